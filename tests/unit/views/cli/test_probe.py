"""``scope probe``."""

from __future__ import annotations

import time
from pathlib import Path

from click.testing import CliRunner, Result

from scope.config import load
from scope.config.probe_wishes import read_probe_wishes
from scope.views.cli import cli

NS = 10**9


def probe(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["probe", *arguments])


def asked() -> list[str]:
    return [wish.rule for wish in read_probe_wishes(load().probe_wishes_path)]


def test_functions_are_asked_for_and_listed_until_they_are_not() -> None:
    first = probe("shop.pricing.*", "@app.task", "--for", "90s")
    assert first.exit_code == 0
    assert first.stdout.splitlines() == ["shop.pricing.*=timing for 1 min 30 s", "@app.task=timing for 1 min 30 s"]
    assert "no collector is running" in first.stderr
    assert probe("shop.models=off").exit_code == 0
    assert asked() == ["shop.pricing.*=timing", "@app.task=timing", "shop.models=off"]
    listed = probe().stdout.splitlines()
    assert [line.split(" for ")[0] for line in listed] == asked()
    assert probe("--stop").stdout == ""
    assert asked() == []


def test_a_wish_holds_for_as_long_as_it_says() -> None:
    before = time.time_ns()
    probe("shop", "--for", "2s")
    (wish,) = read_probe_wishes(load().probe_wishes_path)
    assert before + 2 * NS <= wish.until_ns <= time.time_ns() + 2 * NS


def test_listing_writes_nothing() -> None:
    assert probe().stdout == ""
    assert not Path(load().dir).exists()


def test_what_is_no_pattern_is_refused_and_changes_nothing() -> None:
    for arguments in (["shop pricing"], ["shop=deep"], ["shop", "--for", "soon"]):
        assert probe(*arguments).exit_code != 0
    assert asked() == []
