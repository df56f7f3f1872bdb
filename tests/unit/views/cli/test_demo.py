"""``scope demo``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from scope.views.cli import cli, demo
from tests.unit.views.cli.conftest import run_scope

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_plain_installation_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "_CHECKOUT", tmp_path)
    result = CliRunner().invoke(cli, ["demo"])
    assert result.exit_code == 1
    assert "source checkout only" in result.stderr


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    present: Callable[[str], object] = lambda name: None if name in {"fastapi", "uvicorn"} else object()  # noqa: E731
    monkeypatch.setattr(demo, "find_spec", present)
    result = CliRunner().invoke(cli, ["demo"])
    assert result.exit_code == 1
    assert "needs fastapi, uvicorn: pip install" in result.stderr


@pytest.mark.slow
def test_the_demo_shows_that_every_request_arrived_and_the_slowest(tmp_path: Path) -> None:
    ran = run_scope(tmp_path / "session", "demo", "--seconds", "1", timeout=120)
    assert ran.returncode == 0, ran.stderr
    text = ran.stdout.decode()
    counts = re.search(r"(\d+) requests sent, (\d+) stored, (\d+) complete", text)
    assert counts is not None
    assert len(set(counts.groups())) == 1
    assert "█" in text
    hint = re.search(r"show (mix-\S+)", text)
    assert hint is not None
    assert run_scope(tmp_path / "session", "show", hint[1]).returncode == 0


def test_a_shop_that_does_not_start_is_a_failure_with_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from load_tests import stack
    from load_tests.processes import ChildError

    def refuse(*_: object, **__: object) -> None:
        raise ChildError("the shop ended with 3")

    monkeypatch.setattr(stack, "shop", refuse)
    result = CliRunner().invoke(cli, ["--dir", str(tmp_path / "session"), "demo"])
    assert result.exit_code == 1
    assert "the shop ended with 3" in result.stderr
