"""The collector's process: from the lock to the last request stored."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scope.capture.autostart import is_collected
from scope.collector.collector import Collector
from scope.collector.errors import CollectorRuns
from scope.collector.lock import Lock
from scope.collector.run import run, run_until_idle
from scope.config import DirectoryError
from scope.store import StoreError, StoreFull, Writer
from scope.views.collector_status import read_status
from tests.support.waiting import eventually
from tests.unit.collector.kit import process, settings, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


MODULE = import_module("scope.collector.run")  # the package has a function of the same name


def never() -> bool:
    return False


@contextmanager
def in_a_thread(work: Callable[[], object]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()


def test_once_stores_what_is_there_and_returns() -> None:
    with process() as traced:
        traced.request("a")
        traced.begin("b")
        assert run(settings(), once=True) == 0
        assert {name: each.state for name, each in stored().items()} == {"a": "done", "b": "open"}
    assert not is_collected(settings().lock_path)


def test_there_is_no_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scope.collector.lock.PATIENCE_S", 0.0)
    config = settings()
    with Lock(config.lock_path), pytest.raises(CollectorRuns):
        run(config, once=True)
    with Lock(config.lock_path), pytest.raises(CollectorRuns):
        run_until_idle(config, never)


def test_a_directory_that_is_not_safe_is_refused() -> None:
    config = settings()
    Path(config.dir).chmod(0o777)
    with pytest.raises(DirectoryError, match="others can write to it"):
        run(config, once=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_it_drain_and_return(number: signal.Signals) -> None:
    config = settings(commit_ms=10_000)
    before = signal.getsignal(number)
    with process() as traced:

        def interrupt() -> None:
            eventually(lambda: read_status(config))
            traced.request("a")
            os.kill(os.getpid(), number)

        with in_a_thread(interrupt):
            assert run(config) == 0
        assert stored()["a"].complete
    assert signal.getsignal(number) == before


def test_until_idle_it_stays_while_a_process_lives_and_as_long_as_it_is_wanted() -> None:
    config = settings(idle_exit_s=1)
    asked = threading.Semaphore(0)
    wanted = threading.Event()
    wanted.set()

    def is_wanted() -> bool:
        asked.release()
        return wanted.is_set()

    with process() as traced:
        traced.request("a")
        with in_a_thread(lambda: run_until_idle(config, is_wanted)) as thread:
            eventually(lambda: (status := read_status(config)) and status.requests)
            assert not asked.acquire(blocking=False)
            traced.die()
            eventually(lambda: not traced.path.exists())
            assert asked.acquire(timeout=30)
            assert thread.is_alive()
            wanted.clear()


def test_a_process_that_came_while_the_lock_was_held_is_not_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It saw that a collector ran, and started none."""
    lives: list[Collector] = []
    drain_all = Collector.drain_all

    with process() as traced:

        def drain(self: Collector, most_s: float) -> None:
            lives.append(self)
            if len(lives) == 2:
                traced.die()
            drain_all(self, most_s)

        monkeypatch.setattr(Collector, "idle_s", lambda _: 3600.0)
        monkeypatch.setattr(Collector, "drain_all", drain)
        assert run_until_idle(settings(), never) == 0
        assert not traced.path.exists()
    assert len(lives) == 2


class Unwilling:
    """A store that cannot be opened ``times`` times."""

    def __init__(self, times: int, happens: Callable[[], object] = lambda: None) -> None:
        self.left = times
        self._happens = happens

    def __call__(self, *arguments: Any, **clock: Any) -> Writer:
        if self.left:
            self.left -= 1
            self._happens()
            raise StoreFull("no room at all")
        return Writer(*arguments, **clock)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "RETRY_S", 0.01)


def test_a_store_that_cannot_be_opened_ends_a_collector_that_somebody_looks_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MODULE, "Writer", Unwilling(1))
    with process(), pytest.raises(StoreFull):
        run(settings())
    assert not is_collected(settings().lock_path)


def test_a_collector_that_nobody_looks_after_waits_for_its_store(
    monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    config = settings(idle_exit_s=1)
    errors: set[str] = set()

    def look() -> None:
        status = read_status(config)
        errors.update([status.error] if status else [])

    monkeypatch.setattr(MODULE, "Writer", Unwilling(3, look))
    with process() as traced:
        traced.request("a")
        with in_a_thread(lambda: run_until_idle(config, never)):
            eventually(lambda: (status := read_status(config)) and status.requests)
            traced.die()
    assert errors == {"no room at all"}
    assert stored()["a"].complete


def test_it_does_not_wait_once_nobody_is_there_any_more(monkeypatch: pytest.MonkeyPatch, impatient: None) -> None:
    with process() as traced:
        monkeypatch.setattr(MODULE, "Writer", Unwilling(1000, traced.die))
        with pytest.raises(StoreError, match="no room at all"):
            run_until_idle(settings(), never)


def test_it_does_not_wait_when_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch, impatient: None) -> None:
    with process():
        monkeypatch.setattr(MODULE, "Writer", Unwilling(1000, lambda: os.kill(os.getpid(), signal.SIGTERM)))
        with pytest.raises(StoreError, match="no room at all"):
            run_until_idle(settings(), never)
