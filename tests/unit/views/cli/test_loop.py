"""``scope loop``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from scope.views.cli import cli
from scope.views.cli.group import NOTHING_MATCHED
from scope.views.culprits import Culprit
from tests.unit.store.kit import store
from tests.unit.views.test_loop_search import stored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.views.cli.conftest import Scope

MS = 1_000_000
HEX_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    """The command line, looking at two that held a loop and one that waited."""
    held = stored(1, (0, 0, 60)), stored(2, (60, 60, 75), route=0, route_text="/other", id=HEX_ID)
    store(tmp_path / "store", [*held, stored(3, (0, 0, 0), (20, 60, 61))])

    def run(*arguments: str) -> object:
        return CliRunner().invoke(cli, ["--dir", str(tmp_path), "loop", *arguments], prog_name="scope")

    return run  # type: ignore[return-value] # of click's runner, which says so without types


def test_each_culprit_is_a_line_with_whom_to_show(scope: Scope) -> None:
    titles, first, second = scope().stdout.splitlines()
    assert titles.split() == ["stolen", "victims", "steps", "held", "longest", "function", "route", "culprit", "victim"]
    assert first.split()[-2:] == ["request-1", "request-3"]
    assert [each.strip() for each in first.split("  ") if each][:6] == ["40 ms", "1", "1", "60 ms", "60 ms", "load"]
    assert second.split()[-2:] == [HEX_ID, "-"]


def test_json_has_the_same_and_what_was_asked(scope: Scope) -> None:
    made = json.loads(scope("--json", "-n", "1").stdout)
    assert made["min_ns"] == 10 * MS
    assert made["skipped"] == 0
    [culprit] = made["culprits"]
    assert [*culprit] == [*Culprit.__dataclass_fields__]
    assert (culprit["stolen_ns"], culprit["victims"], culprit["victim_id"]) == (40 * MS, 1, "request-3")


def test_the_least_time_is_that_of_the_option_else_of_the_setting(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(scope("--min", "20ms").stdout.splitlines()) == 2
    monkeypatch.setenv("SCOPE_LOOP_REPORT_MS", "61")
    assert scope().stdout == ""
    assert scope().stderr == "Nothing held an event loop for 61 ms.\n"
    assert len(scope("--min", "20ms").stdout.splitlines()) == 2


def test_a_filter_is_for_those_who_held_it(scope: Scope) -> None:
    assert len(scope("-f", "route:/other").stdout.splitlines()) == 2
    assert scope("-f", "route:/nowhere", "--fail-empty").exit_code == NOTHING_MATCHED
    assert scope("-f", "rout:/other").exit_code == 2


def test_what_was_not_read_is_said(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scope.views.loop_search._HOLDERS", 1)
    assert "1 or more requests of shorter holds or waits were not read" in scope().stderr
    assert scope("--json").stderr == ""


def test_a_terminal_gets_short_trace_ids() -> None:
    from scope.views.cli.loop import culprit_lines
    from scope.views.lines import plain

    culprit = Culprit("render", "GET /report", "shop", 1, MS, MS, 1, MS, HEX_ID, "callers-own-id-that-is-long")
    line = plain([*culprit_lines([culprit], 200)][1])
    assert line.split()[-2:] == [HEX_ID[:12], "callers-own-id-that-is-long"]
