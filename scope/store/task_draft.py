"""An asyncio task while the events of its request are being put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..model import AsyncTask, EventType, Outcome
from ..wire import fields

if TYPE_CHECKING:
    from ..model import Definition, Event

__all__ = ["TaskDrafts"]

_BEGAN_UNSEEN: Final = 1
_STATUSES: Final[dict[int, str]] = {
    Outcome.OK: "ok",
    Outcome.EXCEPTION: "error",
    Outcome.CANCELLED: "cancelled",
    Outcome.DISCONNECTED: "cancelled",
}


@dataclass(slots=True)
class _TaskDraft:
    """What is known so far; times are CLOCK_MONOTONIC."""

    begin: Event
    definition: Definition | None
    end: Event | None = None
    steps: int = 0
    ran_ns: int = 0
    waited_ns: int = 0

    def freeze(self, span_id: str, offset_ns: int, otherwise: str) -> AsyncTask:
        begin, end, site = self.begin, self.end, self.definition
        unseen = fields.number(begin, "flags") & _BEGAN_UNSEEN
        return AsyncTask(
            name=fields.text(begin, "name"),
            coroutine=site.name if site else "",
            file=site.file if site else "",
            line=site.line if site else 0,
            span_id=span_id,
            created_ns=None if unseen else begin.time_ns - fields.number(begin, "waited_ns") + offset_ns,
            start_ns=begin.time_ns + offset_ns,
            end_ns=end.time_ns + offset_ns if end else None,
            status=_STATUSES.get(fields.number(end, "outcome"), "ok") if end else otherwise,
            error=fields.text(end, "error") if end else "",
            steps=self.steps,
            ran_ns=self.ran_ns,
            waited_ns=self.waited_ns,
        )


class TaskDrafts:
    """The first ``limit`` tasks of a request, or all; ``left_out`` counts the others."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._drafts: dict[int, _TaskDraft] = {}
        self.left_out = 0

    def take_in(self, event: Event, definition: Definition | None) -> None:
        """Take in that a task begins, steps or ends; of a task whose beginning was lost nothing is kept."""
        if event.type is EventType.ASYNC_TASK_BEGIN:
            self._begin(event, definition)
        elif event.type is EventType.LOOP_STEP:
            draft = self._drafts.get(fields.number(event, "task"))
            if draft is not None:
                draft.steps += 1
                draft.ran_ns += fields.number(event, "ran_ns")
                draft.waited_ns += fields.number(event, "waited_ns")
        elif (draft := self._drafts.get(event.span)) is not None and draft.end is None:
            draft.end = event

    def _begin(self, event: Event, definition: Definition | None) -> None:
        if event.span in self._drafts:
            return
        if self._limit is not None and len(self._drafts) >= self._limit:
            self.left_out += 1
            return
        self._drafts[event.span] = _TaskDraft(event, definition)

    def parents(self) -> dict[int, int]:
        """By number, the number of the span that each was made in."""
        return {number: draft.begin.parent for number, draft in self._drafts.items()}

    def freeze(self, span_ids: dict[int, str], offset_ns: int, state: str) -> tuple[AsyncTask, ...]:
        """By time of their making; ``span_ids`` has those of :meth:`parents`."""
        otherwise = "cancelled" if state == "aborted" else "open"
        found = (draft.freeze(span_ids[draft.begin.parent], offset_ns, otherwise) for draft in self._drafts.values())
        return tuple(sorted(found, key=lambda task: task.created_ns or task.start_ns))
