"""Whether the process that a segment belongs to lives."""

from __future__ import annotations

import os
import signal
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scope._core import Segment
from scope.collector.owner import Owner
from tests.unit.collector.kit import Process, process

if TYPE_CHECKING:
    from collections.abc import Iterator

START_TICKS_OFFSET = 136
NAMESPACE_OFFSET = 160


@contextmanager
def owner(traced: Process) -> Iterator[Owner]:
    segment = Segment(str(traced.path))
    made = Owner(segment)
    yield made
    made.close()
    segment.close()


def change(traced: Process, offset: int) -> None:
    """Another number there in the header."""
    with traced.path.open("r+b") as file:
        file.seek(offset)
        (number,) = struct.unpack("<Q", file.read(8))
        file.seek(offset)
        file.write(struct.pack("<Q", number + 1))


def test_it_lives_until_it_ends() -> None:
    with process() as traced, owner(traced) as made:
        assert made.is_alive()
        assert made.is_alive()
        traced.die()
        assert not made.is_alive()


def test_a_stopped_process_lives_and_one_that_nobody_has_waited_for_does_not() -> None:
    with process() as traced, owner(traced) as made:
        os.kill(traced.owner, signal.SIGSTOP)
        os.waitid(os.P_PID, traced.owner, os.WSTOPPED)
        assert made.is_alive()
        os.kill(traced.owner, signal.SIGKILL)
        os.waitid(os.P_PID, traced.owner, os.WEXITED | os.WNOWAIT)
        assert not made.is_alive()


def test_another_process_of_the_same_pid_is_not_it() -> None:
    with process() as traced:
        change(traced, START_TICKS_OFFSET)
        with owner(traced) as made:
            assert not made.is_alive()


def test_in_another_pid_namespace_nothing_is_proven_by_a_process_of_ours_that_ends() -> None:
    with process() as traced:
        change(traced, NAMESPACE_OFFSET)
        with owner(traced) as made:
            assert made.is_alive()
            traced.die()
            assert made.is_alive()


def test_it_ended_before_anybody_looked() -> None:
    with process() as traced:
        traced.die()
        with owner(traced) as made:
            assert not made.is_alive()


def test_without_a_descriptor_for_it_the_segment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    with process() as traced, owner(traced) as made:
        assert made.is_alive()
        traced.die()
        assert not made.is_alive()


def test_no_descriptor_is_left() -> None:
    with process() as traced:
        before = descriptors()
        with owner(traced) as made:
            assert len(descriptors()) == len(before) + 2
            made.close()
        traced.die()
        with owner(traced):
            assert len(descriptors()) == len(before) + 1
        assert descriptors() == before


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}
