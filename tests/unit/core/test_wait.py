"""The policy to block: who waits for room, who never does, and what ends the wait."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from scope import Thread, _core, mark, span
from scope.store.batch import Summary

from .inside import serve

pytestmark = pytest.mark.usefixtures("no_integrations")

SMALL: dict[str, Any] = {"lanes": 3, "first_lane_bytes": 32768, "lane_bytes": 32768, "definitions_bytes": 4096}
LONG_MS = 60_000
OVERWRITE, DISCARD, BLOCK = range(3)
MANY = 3000
"""Marks that no lane has room for."""


class Collecting:
    """A session of this process and a reader of its segment, which publishes only when it is told to."""

    def __init__(self, path: Path, **settings: Any) -> None:
        self.session = _core.Session(str(path), **{**SMALL, "policy": BLOCK, "block_ms": LONG_MS, **settings})
        _core.set_session(self.session)
        self.segment = _core.Segment(str(path))
        self.correlator = _core.Correlator()
        self.slot = self.correlator.add(self.segment, 1)

    def collect(self) -> None:
        self.correlator.drain(self.slot)
        self.segment.publish_heads(self.segment.heads())

    def losses(self) -> dict[str, int]:
        """Without those of sessions that ended before this one began: they are counted in the next there is."""
        return {reason: events for reason, events in self.segment.losses().items() if events and reason != "forked"}

    def tasks(self) -> list[Summary]:
        """What was written, also of a task whose end was lost."""
        for _ in range(3):
            self.collect()
        self.correlator.abort(self.slot)
        return [Summary(*row) for row in self.correlator.take(MANY)]

    def close(self) -> None:
        _core.set_session(None)
        self.session.close()
        self.segment.close()


@contextmanager
def collecting(path: Path, **settings: Any) -> Iterator[Collecting]:
    made = Collecting(path, **settings)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.seg"


def write_much(count: int = MANY) -> None:
    """One task with more events than a lane has room for."""
    with span("much"):
        for number in range(count):
            mark("step", number=number)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def waits(it: Collecting) -> bool:
    return it.session.statistics()["waiting"] == 1


def run_without_a_loop(coroutine: Coroutine[Any, Any, None]) -> None:
    with suppress(StopIteration):
        while True:
            coroutine.send(None)


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_thread_waits_for_room_while_others_run_and_loses_nothing(path: Path) -> None:
    with collecting(path) as it:
        thread = in_thread(write_much)
        until(lambda: waits(it))
        while thread.is_alive():
            it.collect()
        (task,) = it.tasks()
        assert (task.events, task.complete, it.losses()) == (MANY + 2, 1, {})


def test_a_wait_that_is_in_vain_ends_at_its_deadline_and_is_not_begun_anew_for_each_event(path: Path) -> None:
    """Each wait would take a second: with one for each event this test would not end."""
    with collecting(path, block_ms=1000) as it:
        in_thread(write_much).join()
        lost = it.losses()
        (task,) = it.tasks()
    assert list(lost) == ["timed_out"]
    assert lost["timed_out"] > 1000
    assert task.events + lost["timed_out"] == MANY + 2


def test_the_losses_of_a_wait_in_vain_are_told_of_by_their_reason(path: Path) -> None:
    with collecting(path, block_ms=1) as it:
        thread = in_thread(write_much)
        thread.join()
        (task,) = it.tasks()
        assert task.lost == it.correlator.losses(it.slot)["timed_out"] == it.losses()["timed_out"]
        assert not task.complete


# --- who never waits --------------------------------------------------------------------------------------------------


def test_an_event_loop_is_never_stopped(path: Path) -> None:
    """With a deadline of a minute and nobody who collects."""

    async def serve_one() -> None:
        await serve(write_much)

    with collecting(path) as it:
        asyncio.run(serve_one())
        assert list(it.losses()) == ["full"]


def test_an_event_loop_without_any_request_is_not_stopped_either(path: Path) -> None:
    async def work() -> None:
        write_much()

    with collecting(path) as it:
        asyncio.run(work())
        assert list(it.losses()) == ["full"]


def test_an_event_loop_may_be_stopped_if_the_session_says_so(path: Path) -> None:
    async def work() -> None:
        write_much()

    with collecting(path, block_ms=1, block_event_loops=True) as it:
        asyncio.run(work())
        assert list(it.losses()) == ["timed_out"]


def test_uvloop_is_an_event_loop_too(path: Path) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def work() -> None:
        write_much()

    with collecting(path) as it:
        uvloop.new_event_loop().run_until_complete(work())
        assert list(it.losses()) == ["full"]


def test_a_thread_that_serves_by_a_loop_that_nobody_knows_is_not_stopped(path: Path) -> None:
    """An exchange runs in it; nothing else tells that it has a loop."""

    def drive() -> None:
        run_without_a_loop(serve(write_much))

    with collecting(path) as it:
        in_thread(drive).join()
        assert list(it.losses()) == ["full"]


def test_a_thread_whose_exchange_is_over_may_wait_again(path: Path) -> None:
    def drive() -> None:
        run_without_a_loop(serve(lambda: None))
        write_much()

    with collecting(path, block_ms=1) as it:
        in_thread(drive).join()
        assert list(it.losses()) == ["timed_out"]


def test_a_loop_of_a_library_that_tells_sniffio_is_not_stopped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As trio's."""
    sniffio = ModuleType("sniffio")
    sniffio.thread_local = SimpleNamespace(name="trio")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sniffio", sniffio)
    with collecting(path) as it:
        in_thread(write_much).join()
        assert list(it.losses()) == ["full"]


@pytest.mark.parametrize("broken", [ModuleType("sniffio"), SimpleNamespace(thread_local=None), None])
def test_what_cannot_be_asked_stops_nobody_from_waiting(
    path: Path, monkeypatch: pytest.MonkeyPatch, broken: ModuleType
) -> None:
    monkeypatch.setitem(sys.modules, "sniffio", broken)
    with collecting(path, block_ms=1) as it:
        in_thread(write_much).join()
        assert list(it.losses()) == ["timed_out"]


# --- what ends a wait -------------------------------------------------------------------------------------------------


def test_closing_the_session_ends_all_waits_before_it_unmaps(path: Path) -> None:
    with collecting(path) as it:
        threads = [in_thread(write_much) for _ in range(3)]
        until(lambda: it.session.statistics()["waiting"] == 3)
        it.session.close()
        for thread in threads:
            thread.join()
        assert it.losses()["full"] >= 3


def test_a_session_that_is_closed_by_two_at_once_is_closed_once(path: Path) -> None:
    with collecting(path) as it:
        thread = in_thread(write_much)
        until(lambda: waits(it))
        closers = [in_thread(it.session.close) for _ in range(4)]
        for each in (thread, *closers):
            each.join()
        with pytest.raises(ValueError, match="is closed"):
            it.session.statistics()


@pytest.mark.parametrize("policy", [OVERWRITE, DISCARD])
def test_another_policy_wished_by_the_collector_ends_a_wait(path: Path, policy: int) -> None:
    with collecting(path) as it:
        thread = in_thread(write_much)
        until(lambda: waits(it))
        it.segment.set_control((policy + 1) << 41)
        thread.join()
        assert list(it.losses()) == (["full"] if policy == DISCARD else [])


def test_the_policy_set_in_process_counts_from_the_next_block_on(path: Path) -> None:
    with collecting(path, policy=DISCARD) as it:
        in_thread(write_much).join()
        before = it.losses()["full"]
        it.collect()
        it.session.set_overflow(BLOCK, 1, False)
        in_thread(write_much).join()
        assert it.losses()["full"] == before
        assert it.losses()["timed_out"] > 0
        with pytest.raises(ValueError, match="policy has number 3"):
            it.session.set_overflow(3, 1, False)


def test_a_fork_while_a_thread_waits_leaves_both_processes_well(path: Path) -> None:
    with collecting(path) as it:
        thread = in_thread(write_much)
        until(lambda: waits(it))
        child = os.fork()
        if child == 0:
            _core.set_starter(None)
            write_much(1)
            it.session.close()
            os._exit(0 if _core.get_session() is None else 1)
        assert os.waitpid(child, 0)[1] == 0
        while thread.is_alive():
            it.collect()
        assert it.tasks()[0].events == MANY + 2


def test_a_span_that_two_threads_end_while_one_waits_ends_once(path: Path) -> None:
    with collecting(path) as it:
        shared = span("shared")

        def write_and_end() -> None:
            with span("task"):
                shared.__enter__()
                for number in range(MANY):
                    mark("step", number=number)
                shared.__exit__(None, None, None)

        thread = Thread(target=write_and_end)
        thread.start()
        while thread.is_alive():
            it.collect()
            shared.__exit__(None, None, None)
        thread.join()
        (task,) = it.tasks()
        assert task.spans == 2
