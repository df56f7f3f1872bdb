"""What happened to a traced process outside its requests, or to all of them at once."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ProcessEvent"]


@dataclass(frozen=True, slots=True)
class ProcessEvent:
    """Something that lasted ``duration_ns`` from ``start_ns``, in Unix nanoseconds; ``kind`` says what.

    "step": an event loop in ``thread`` ran ``name`` (defined in ``file`` at ``line``, "" and 0 where it is no Python
    function) in no request, after it had been ready for ``waited_ns``; ``left_over`` where a request that had ended
    before began it. "gc": the garbage collector held ``thread`` while no request was current there, for ``generation``,
    and freed ``collected`` objects. "start": the process began. "shutdown": it said that it is about to end. "exit": it
    was gone; it ended at some time of the duration, from the last sign of its life to its being found dead.
    """

    kind: str
    pid: int
    service: str
    start_ns: int
    duration_ns: int = 0
    waited_ns: int = 0
    thread: str = ""
    name: str = ""
    file: str = ""
    line: int = 0
    generation: int = 0
    collected: int = 0
    left_over: bool = False

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.duration_ns
