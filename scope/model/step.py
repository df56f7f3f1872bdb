"""What a request did from one suspension to the next, and what it did meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """What a request is doing at a moment; every moment of it has exactly one.

    RUNNING: a loop's thread runs its code. IN_THREAD: a thread of a pool does. WAITING_FOR_LOOP: it could go on, but
    its loop runs something else. WAITING_FOR_THREAD: it has handed work to a pool that has no thread free. AWAITING: it
    is suspended until something else is done. UNKNOWN: not recorded.
    """

    RUNNING = "running"
    IN_THREAD = "in_thread"
    WAITING_FOR_LOOP = "waiting_for_loop"
    WAITING_FOR_THREAD = "waiting_for_thread"
    AWAITING = "awaiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One uninterrupted run in a loop, or in a thread of a pool where ``in_thread``.

    It could have run from ``ready_ns`` on, did from ``start_ns`` on, and ended at ``end_ns``: Unix time in nanoseconds.
    ``awaits`` names the innermost coroutine in which it then stood still; empty where it did not, or in its own.
    """

    thread: str
    ready_ns: int
    start_ns: int
    end_ns: int
    in_thread: bool = False
    awaits: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a request's time in one state; ``label`` names what is awaited, where that is known."""

    state: State
    start_ns: int
    end_ns: int
    label: str = ""

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns
