"""The thread that drains."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

import pytest

from scope.collector.drainer import Drainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from scope.collector.collector import Collector

PATIENCE_S = 30.0


class Drains:
    """In place of a collector: gives one answer after the other, the last for ever."""

    def __init__(self, *answers: bool | Exception) -> None:
        self._answers = list(answers)
        self.commits = 0
        self.asked = threading.Semaphore(0)

    def drain(self) -> bool:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        self.asked.release()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def commit_at_each(self, woken: threading.Semaphore) -> None:
        self.commits += 1
        woken.release()

    def wait_until_asked(self, times: int) -> None:
        for _ in range(times):
            assert self.asked.acquire(timeout=PATIENCE_S)


def drainer(drains: Drains, wake: Callable[[], object] = lambda: None) -> Drainer:
    return Drainer(cast("Collector", drains), cast("Callable[[], None]", wake))


def test_it_drains_again_and_again_while_the_block_runs() -> None:
    drains = Drains(True)
    with drainer(drains) as made:
        drains.wait_until_asked(5)
        made.check()
    assert threading.active_count() == 1


def test_it_wakes_whoever_commits_once_when_there_is_no_more_room() -> None:
    """A store that takes nothing would be asked all the time."""
    woken = threading.Semaphore(0)
    drains = Drains(True, False, False, False, True, False, True)
    with drainer(drains, woken.release) as made:
        drains.wait_until_asked(8)
        made.check()
    assert woken.acquire(blocking=False)
    assert woken.acquire(blocking=False)
    assert not woken.acquire(blocking=False)


def test_it_wakes_whoever_commits_again_when_a_commit_did_not_help() -> None:
    """A writer that waits for room has filled it again."""
    woken = threading.Semaphore(0)
    drains = Drains(True, False, False, False, True)
    with drainer(drains, lambda: drains.commit_at_each(woken)) as made:
        drains.wait_until_asked(6)
        made.check()
    assert drains.commits == 3


def test_what_it_fails_with_is_raised_where_it_is_checked() -> None:
    woken = threading.Event()
    with drainer(Drains(ValueError("broken")), woken.set) as made:
        assert woken.wait(PATIENCE_S)
        with pytest.raises(ValueError, match="broken"):
            made.check()
