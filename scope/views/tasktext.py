"""The asyncio tasks of a request in words: below the span that made them, or apart where they outlived the request."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from .format import format_duration
from .lines import Piece
from .spantext import location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..model import AsyncTask, Trace
    from .lines import Line, Role

__all__ = ["TaskLine", "left_over", "made_in", "task_lines"]

_DEFAULT_NAME: Final = re.compile(r"Task-\d+")
_ROLES: Final[Mapping[str, Role]] = {"ok": "text", "error": "error", "cancelled": "warning", "open": "warning"}


class TaskLine(NamedTuple):
    """One line: when the first of its tasks was made, how long they lasted together (None: not ended), and its text."""

    start_ns: int
    duration_ns: int | None
    text: Line


def left_over(trace: Trace) -> list[AsyncTask]:
    """The tasks that were still there when all of the request had ended."""
    request = trace.request
    if request.state != "done":
        return []
    end_ns = request.start_ns + request.duration_ns + request.background_ns
    return [task for task in trace.tasks if task.end_ns is None or task.end_ns > end_ns]


def made_in(trace: Trace) -> Mapping[str, list[AsyncTask]]:
    """The other tasks, by the id of the span that made them."""
    apart = set(left_over(trace))
    found: dict[str, list[AsyncTask]] = {}
    for task in trace.tasks:
        if task not in apart:
            found.setdefault(task.span_id, []).append(task)
    return found


def task_lines(tasks: Iterable[AsyncTask], *, fold_at: int, shortest_ns: int = 0) -> Iterator[TaskLine]:
    """A line for each task, or for ``fold_at`` (0: never) and more neighbours that ran the same and ended alike.

    Those that took less than ``shortest_ns`` are left out unless they failed or have not ended.
    """
    long_enough = (task for task in tasks if task.status in {"error", "open"} or _lasted_ns(task) >= shortest_ns)
    for _, group in groupby(long_enough, lambda task: (task.coroutine, task.status, task.error)):
        alike = list(group)
        if fold_at and len(alike) >= fold_at:
            yield _line(alike)
        else:
            yield from (_line([task]) for task in alike)


def _line(tasks: list[AsyncTask]) -> TaskLine:
    first = tasks[0]
    ran_ns, waited_ns = sum(task.ran_ns for task in tasks), sum(task.waited_ns for task in tasks)
    steps = sum(task.steps for task in tasks)
    count = f"×{len(tasks)} " if len(tasks) > 1 else ""
    name = "" if len(tasks) > 1 or _DEFAULT_NAME.fullmatch(first.name) else f" {first.name}"
    ran = f"  ran {format_duration(ran_ns)} in {steps} step{'s' * (steps != 1)}"
    did = f"{ran}, ready {format_duration(waited_ns)} before"
    ended = "" if first.status == "ok" else f"  {first.error or first.status}"
    place = location(first.file, first.line)
    duration_ns = None if first.end_ns is None else sum(map(_lasted_ns, tasks))
    text = (
        Piece(f"{count}task {first.coroutine or '(unnamed)'}", _ROLES[first.status]),
        Piece(name, "text"),
        Piece(did, "dim"),
        Piece(ended, _ROLES[first.status]),
        Piece(f"  {place}" if place else "", "dim"),
    )
    return TaskLine(_made_ns(first), duration_ns, text)


def _made_ns(task: AsyncTask) -> int:
    return task.start_ns if task.created_ns is None else task.created_ns


def _lasted_ns(task: AsyncTask) -> int:
    return 0 if task.end_ns is None else task.end_ns - _made_ns(task)
