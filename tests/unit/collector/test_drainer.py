"""The thread that drains."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

import pytest

from scope.collector.drainer import Drainer

if TYPE_CHECKING:
    from scope.collector.collector import Collector

PATIENCE_S = 30.0


class Drains:
    """In place of a collector: gives one answer after the other, the last for ever."""

    def __init__(self, *answers: float | Exception | None) -> None:
        self._answers = list(answers)
        self.asked = threading.Semaphore(0)

    def drain(self) -> float | None:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        self.asked.release()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait_until_asked(self, times: int) -> None:
        for _ in range(times):
            assert self.asked.acquire(timeout=PATIENCE_S)


def drainer(drains: Drains) -> Drainer:
    return Drainer(cast("Collector", drains))


def test_it_drains_again_and_again_while_the_block_runs() -> None:
    drains = Drains(0.0)
    with drainer(drains) as made:
        drains.wait_until_asked(5)
        made.check()
    assert not made.full.is_set()
    assert threading.active_count() == 1


def test_it_pauses_as_long_as_it_is_told() -> None:
    drains = Drains(3600.0)
    with drainer(drains):
        drains.wait_until_asked(1)
    assert not drains.asked.acquire(blocking=False)


def test_it_tells_that_a_commit_has_to_come_first_and_goes_on() -> None:
    drains = Drains(None)
    with drainer(drains) as made:
        assert made.full.wait(PATIENCE_S)
        made.check()
        drains.wait_until_asked(3)
        assert made.full.wait(PATIENCE_S)


def test_what_it_fails_with_is_raised_where_it_is_checked() -> None:
    with drainer(Drains(ValueError("broken"))) as made:
        assert made.full.wait(PATIENCE_S)
        with pytest.raises(ValueError, match="broken"):
            made.check()
