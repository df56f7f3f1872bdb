"""The costs of tracing: those of another machine until they are measured on this one, once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scope.collector import costs as module
from scope.collector.costs import MOST_S, TYPICAL, Costs
from tests.support.waiting import eventually

ROWS = ((0, 25_000, 0), (16, 1_500_000, 3))


def child(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def printing(text: str) -> list[str]:
    return child(f"print({text!r})")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "costs.json")


def measured(path: str, command: list[str]) -> Costs:
    costs = Costs(path, command)
    assert not costs.look(0)
    eventually(lambda: costs.look(1))
    return costs


def finished(costs: Costs) -> bool:
    """Whether what was begun has ended; nothing came of it."""
    assert not costs.look(1)
    return costs.rows is TYPICAL and costs._child is None


def test_until_they_are_measured_those_of_another_machine_stand_in(path: str) -> None:
    costs = Costs(path, printing(json.dumps(ROWS)))
    assert (costs.rows, costs.is_measured) == (TYPICAL, False)
    costs.close()


def test_measured_ones_take_their_place(path: str) -> None:
    costs = measured(path, printing(json.dumps(ROWS)))
    assert (costs.rows, costs.is_measured) == (ROWS, True)
    assert not costs.look(2)


def test_they_are_measured_once_for_a_machine(path: str) -> None:
    measured(path, printing(json.dumps(ROWS)))
    again = Costs(path, child("raise SystemExit('asked again')"))
    assert (again.rows, again.is_measured) == (ROWS, True)


def test_those_of_another_build_or_machine_do_not_count(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(path, printing(json.dumps(ROWS)))
    monkeypatch.setattr(module, "_held_for", lambda: ["another"])
    assert Costs(path).rows is TYPICAL


@pytest.mark.parametrize(
    "text", ["", "{}", "[[1, 2]]", "[[16, -1, 0]]", "[[300, 1, 1]]", '[["x", 1, 1]]', f"[[16, {1 << 40}, 0]]"]
)
def test_what_is_no_table_changes_nothing(path: str, text: str, caplog: pytest.LogCaptureFixture) -> None:
    costs = Costs(path, printing(text))
    costs.look(0)
    eventually(lambda: finished(costs))
    assert [record.message for record in caplog.records] == [
        "the costs of tracing could not be measured: those of another machine stand in"
    ]
    assert not Path(path).exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"of": [], "rows": []}'])
def test_a_file_that_says_nothing_is_not_believed(path: str, text: str) -> None:
    Path(path).write_text(text)
    assert Costs(path).rows is TYPICAL


def test_a_child_that_does_not_end_is_ended(path: str) -> None:
    costs = Costs(path, child("import time; time.sleep(600)"))
    costs.look(0)
    assert not costs.look(MOST_S + 1)
    assert costs._child is None
    assert not costs.look(MOST_S + 2)


def test_where_no_child_can_be_had_it_is_told_once(path: str, caplog: pytest.LogCaptureFixture) -> None:
    costs = Costs(path, ["/nowhere/python"])
    for now_s in range(3):
        assert not costs.look(now_s)
    assert len(caplog.records) == 1
    assert "not measured" in caplog.records[0].message


def test_nobody_is_left_behind(path: str) -> None:
    costs = Costs(path, child("import time; time.sleep(600)"))
    costs.look(0)
    costs.close()
    assert costs._child is None
    costs.close()
