"""An asyncio task that ran in a request's context."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AsyncTask"]


@dataclass(frozen=True, slots=True)
class AsyncTask:
    """A task that the request made; its times are Unix nanoseconds.

    ``name`` is the task's own at its first step, ``coroutine`` what it runs, defined in ``file`` at ``line``. The span
    ``span_id`` was current where it was made. ``created_ns`` is None for an eager task, which ran as it was made: it is
    there only if it then waited for something, from its next step on, its ``start_ns``. ``end_ns`` is None where no end
    was recorded. ``status`` is one of "ok", "error" (``error`` names the exception's type), "cancelled", "open". In its
    ``steps`` it ran for ``ran_ns`` and was ready to for ``waited_ns``; those after the request's end do not count.
    """

    name: str
    coroutine: str
    file: str
    line: int
    span_id: str
    created_ns: int | None
    start_ns: int
    end_ns: int | None
    status: str
    error: str
    steps: int
    ran_ns: int
    waited_ns: int
