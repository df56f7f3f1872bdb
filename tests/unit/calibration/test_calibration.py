"""The table of costs is measured by doing what is recorded, and printed for the collector."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from scope import _core
from scope.calibration import timing
from scope.calibration.calls import HELD_BACK, call_rows
from scope.calibration.exchanges import MESSAGE
from scope.model import EventType
from scope.testing import captured
from tests.unit.views.cli.conftest import clean_environment

WITHOUT_COST = {
    EventType.FILL,
    EventType.BLOCK,
    EventType.LANE,
    EventType.GAP,
    EventType.RESPONSE_START,  # these four are in what a request costs
    EventType.RESPONSE_END,
    EventType.REQUEST_END,
    EventType.DISCONNECT,
    EventType.GC_PAUSE,  # rare, as is the next
    EventType.SHUTDOWN,
}


@pytest.fixture(scope="module")
def table() -> dict[int, tuple[int, int]]:
    """What a process of its own prints."""
    command = [sys.executable, "-P", "-m", "scope.calibration"]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
    rows: list[Any] = json.loads(done.stdout)
    return {kind: (event_ps, word_ps) for kind, event_ps, word_ps in rows}


def test_everything_that_is_recorded_has_a_cost(table: dict[int, tuple[int, int]]) -> None:
    assert set(EventType) - WITHOUT_COST <= table.keys()
    recorded = {EventType.REQUEST_BEGIN, EventType.FUNCTION_ENTER, EventType.VALUES, EventType.EXCEPTION}
    assert all(table[kind][0] > 0 for kind in recorded)
    assert {HELD_BACK, MESSAGE} <= table.keys()


def test_the_collector_takes_the_table_as_it_is(table: dict[int, tuple[int, int]]) -> None:
    _core.Correlator().set_costs([(kind, *costs) for kind, costs in table.items()])


def test_a_call_that_is_held_back_is_not_counted_as_one_that_is_recorded() -> None:
    with captured():
        rows = {kind: event_ps for kind, event_ps, _ in call_rows()}
    assert rows[HELD_BACK] > 0
    assert rows[EventType.FUNCTION_ENTER] + rows[EventType.FUNCTION_EXIT] > rows[HELD_BACK]


def test_without_a_session_there_is_nothing_to_measure() -> None:
    _core.pause(True)
    try:
        with pytest.raises(RuntimeError, match="nothing can be measured"):
            call_rows()
    finally:
        _core.pause(False)


def test_what_takes_longer_is_told_by_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0

    def pass_time(ns: int) -> None:
        nonlocal now
        now += ns

    monkeypatch.setattr("time.perf_counter_ns", lambda: now)
    assert timing.added_ps(lambda: pass_time(70), lambda: pass_time(20)) == 50_000
    assert timing.added_ps(lambda: pass_time(20), lambda: pass_time(70)) == 0
