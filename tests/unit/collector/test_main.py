"""``python -m scope.collector``, with the collector itself left out."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scope.collector import __main__ as main_module
from scope.collector import log as log_module
from scope.collector.__main__ import main
from scope.collector.errors import CollectorRuns
from scope.store import StoreUnavailable
from tests.unit.collector.kit import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from scope.config import Config


def call(*arguments: str) -> int:
    """Call main() with the root logger as a fresh process has it, not as pytest does."""
    settings()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        return main(list(arguments))
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)


def collects(monkeypatch: pytest.MonkeyPatch, outcome: int | Exception) -> list[Callable[[], bool]]:
    """Let the collector end at once; what says whether it is wanted yet is in the list."""
    calls: list[Callable[[], bool]] = []

    def run_until_idle(config: Config, wanted: Callable[[], bool]) -> int:
        calls.append(wanted)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(main_module, "run_until_idle", run_until_idle)
    return calls


def logged() -> str:
    return Path(settings().log_path).read_text()


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (0, 0, ""),
        (CollectorRuns("another runs"), 0, ""),
        (StoreUnavailable("main.db is damaged"), 1, "the collector ends: main.db is damaged\n"),
    ],
)
def test_the_exit_code_and_the_log_tell_how_it_ended(
    monkeypatch: pytest.MonkeyPatch, outcome: int | Exception, code: int, said: str
) -> None:
    collects(monkeypatch, outcome)
    assert call() == code
    assert logged().endswith(said)
    assert bool(logged()) == bool(said)


def test_a_fault_of_ours_is_in_the_log_with_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no standard error to find it on."""
    collects(monkeypatch, ZeroDivisionError("division by zero"))
    assert call() == 1
    assert "Traceback" in logged()
    assert "ZeroDivisionError: division by zero" in logged()


def test_the_log_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are recycled are told of one by one."""
    monkeypatch.setattr(log_module, "LOG_BYTES", 1_000)
    for number in range(20):
        collects(monkeypatch, StoreUnavailable(f"main.db is damaged {number} {'x' * 300}"))
        call()
    logs = sorted(Path(settings().dir).glob("collector.log*"))
    assert [path.name for path in logs] == ["collector.log", "collector.log.1"]
    assert sum(path.stat().st_size for path in logs) <= 2_000
    assert "damaged 19" in logged()


def test_it_is_wanted_as_long_as_who_started_it_is_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = collects(monkeypatch, 0)
    call(f"--starter={os.getppid()}")
    call("--starter=1234567")
    call()
    assert [wanted() for wanted in calls] == [True, False, False]


def test_detached_the_parent_returns_at_once_and_collects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = collects(monkeypatch, 0)
    monkeypatch.setattr(os, "fork", lambda: 4711)
    assert call("--detach") == 0
    assert calls == []


def test_detached_the_child_leaves_the_session_and_every_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = collects(monkeypatch, 0)
    done: list[Any] = []
    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "setsid", lambda: done.append("setsid"))
    monkeypatch.setattr(os, "closerange", lambda low, high: done.append((low, high)))
    assert call("--detach") == 0
    assert done == ["setsid", (3, os.sysconf("SC_OPEN_MAX"))]
    assert [wanted() for wanted in calls] == [False]
