"""Each event that is lost is counted once, by its reason."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scope import _core, mark, span
from scope.wire.layout import LOSS_REASONS
from scope.wire.segment import SegmentFile

from .test_wait import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("no_integrations")

SMALL: dict[str, Any] = {"lanes": 1, "first_lane_bytes": 32768, "lane_bytes": 32768, "definitions_bytes": 4096}


@contextmanager
def session_at(path: Path, **settings: Any) -> Iterator[_core.Session]:
    session = _core.Session(str(path), **{**SMALL, **settings})
    _core.set_session(session)
    try:
        yield session
    finally:
        _core.set_session(None)
        session.close()


def losses(path: Path) -> dict[str, int]:
    """By the whole segment's counters."""
    with SegmentFile(path) as segment:
        of_lanes = [segment.lane(number).losses for number in range(segment.header.lanes)]
        sums = (sum(counts) for counts in zip(segment.losses, *of_lanes, strict=True))
        return {reason: lost for reason, lost in zip(LOSS_REASONS, sums, strict=True) if lost}


def task(marks: int) -> None:
    """So many events, and two more."""
    with span("task"):
        for number in range(marks):
            mark("step", number=number)


def test_every_event_of_a_thread_without_a_lane_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.seg"
    with session_at(path):
        task(1)
        for marks in (0, 10, 2000):
            in_thread(lambda marks=marks: task(marks)).join()  # type: ignore[misc]
        assert losses(path) == {"no_lane": 2010 + 3 * 2}


def test_a_name_without_room_is_counted_once_however_often_it_is_used(tmp_path: Path) -> None:
    """The records that use it carry it themselves."""
    path = tmp_path / "s.seg"
    with session_at(path, first_lane_bytes=1 << 20):
        for _ in range(1100):  # also when it is asked once more whether there is room
            for number in range(20):
                with span("task"), span(f"{number} {'n' * 400}"):
                    pass
        lost = losses(path)
        with SegmentFile(path) as segment:
            defined = len(segment.definitions())
    assert lost == {"definitions_full": 20 - (defined - 1)}


def test_what_a_fork_cuts_is_counted_in_the_segment_of_the_child(tmp_path: Path) -> None:
    """Also what was cut before there was one."""
    with session_at(tmp_path / "parent.seg"):
        around = span("around")
        around.__enter__()
        child = os.fork()
        if child == 0:
            _core.set_starter(None)
            for _ in range(5):
                mark("cut")
            with session_at(tmp_path / "child.seg"):
                for _ in range(7):
                    mark("cut")
                os._exit(0 if losses(tmp_path / "child.seg") == {"forked": 12} else 1)
        around.__exit__(None, None, None)
        assert os.waitpid(child, 0)[1] == 0
        assert losses(tmp_path / "parent.seg") == {}


@pytest.mark.parametrize(("policy", "reason"), [(1, "full"), (2, "timed_out")])
def test_what_a_full_lane_refuses_and_what_it_holds_is_what_was_written(
    tmp_path: Path, policy: int, reason: str
) -> None:
    path = tmp_path / "s.seg"
    with session_at(path, policy=policy, block_ms=1):
        in_thread(lambda: task(3000)).join()
        with SegmentFile(path) as segment:
            held = sum(record.data[0] >= 0x10 for record in segment.read(0).records)
        assert losses(path) == {reason: 3002 - held}
