"""The drafts of a request's spans by their numbers; where there is room for some only, of the shallowest.

With a limit, a span that finds no room takes the place of the latest of the deepest, if that is deeper than itself. So
what is kept are the first of the shallowest spans, and no span without the one above it. What is below a span that was
left out is left out too. Each is counted at the nearest span above it that is kept.

A bit for each number tells the spans left out, so that nothing that is said of one later makes it anew. Numbers are
given out one after the other, so the bits of millions are few bytes. Those of a hostile writer are bounded, as are the
running spans of which it is known where they are counted; beyond that, and below a span left out that has ended, spans
are counted at the root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..model import EventType
from .span_draft import SpanDraft

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model import Event

__all__ = ["ROOT", "Drafts"]

ROOT: Final = 1
_BEGINS: Final = frozenset({EventType.SPAN_BEGIN, EventType.FUNCTION_ENTER})
_ENDS: Final = frozenset({EventType.SPAN_END, EventType.FUNCTION_EXIT})
_MAX_RUNNING: Final = 1 << 16
_PAGE_BITS: Final = 15
_MAX_PAGES: Final = 1 << 12


class Drafts:
    """At most ``limit`` drafts besides the root's; without a limit all.

    ``left_out`` counts the spans left out, ``marks_dropped`` the marks that went with such as had been kept at first.
    """

    def __init__(self, limit: int | None) -> None:
        self.root = SpanDraft(ROOT, 0, "")
        self.left_out = 0
        self.marks_dropped = 0
        self._limit = limit
        self._kept: dict[int, SpanDraft] = {}
        self._by_level: list[list[SpanDraft]] = []
        self._gone = _Numbers()
        self._running: dict[int, SpanDraft] = {}

    def all(self) -> Iterable[SpanDraft]:
        """Every draft but the root's."""
        return self._kept.values()

    def get(self, number: int) -> SpanDraft | None:
        return self._kept.get(number)

    def has_left_out(self, number: int) -> bool:
        return number in self._gone

    def of(self, event: Event, thread: str) -> SpanDraft | None:
        """The draft that ``event`` is about; 0, no span, means the request itself. None for a span left out."""
        number = event.span
        if number <= ROOT:
            return self.root
        draft = self._kept.get(number)
        if draft is not None:
            return draft
        if self._limit is None:
            draft = self._kept[number] = SpanDraft(number, event.time_ns, thread)
            return draft
        if number in self._gone:
            if event.type in _ENDS:
                self._running.pop(number, None)
            return None
        return self._admit(event, thread, self._limit)

    def _admit(self, event: Event, thread: str, limit: int) -> SpanDraft | None:
        """Keep a new span, or leave it out."""
        up = self._kept.get(event.parent, self.root)
        if event.parent in self._gone:
            self._leave_out(event, self._running.get(event.parent, self.root))
            return None
        level = up.level + 1
        if len(self._kept) >= limit:
            if level >= len(self._by_level):
                self._leave_out(event, up)
                return None
            self._drop_deepest()
        draft = self._kept[event.span] = SpanDraft(event.span, event.time_ns, thread)
        draft.up, draft.level = up, level
        while len(self._by_level) < level:
            self._by_level.append([])
        self._by_level[level - 1].append(draft)
        return draft

    def _leave_out(self, event: Event, above: SpanDraft) -> None:
        self._gone.add(event.span)
        self.left_out += 1
        above = _still_kept(above)
        above.spans_left_out += 1
        if event.type in _BEGINS and len(self._running) < _MAX_RUNNING:
            self._running[event.span] = above

    def _drop_deepest(self) -> None:
        """Take away the last span of the deepest level, which has no other below it."""
        draft = self._by_level[-1].pop()
        while self._by_level and not self._by_level[-1]:
            self._by_level.pop()
        del self._kept[draft.number]
        self._gone.add(draft.number)
        self.left_out += 1
        draft.is_dropped = True
        above = _still_kept(draft)
        above.spans_left_out += 1 + draft.spans_left_out
        self.marks_dropped += len(draft.marks)
        if draft.end_ns is None and len(self._running) < _MAX_RUNNING:
            self._running[draft.number] = above


def _still_kept(draft: SpanDraft) -> SpanDraft:
    """The draft, or the nearest above it that has not been taken away."""
    while draft.is_dropped and draft.up is not None:
        draft = draft.up
    return draft


class _Numbers:
    """A set of span numbers, as bits; of numbers far apart it forgets those that come last."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def __contains__(self, number: int) -> bool:
        page = self._pages.get(number >> _PAGE_BITS)
        return page is not None and page[(number >> 3) & 0xFFF] >> (number & 7) & 1 == 1

    def add(self, number: int) -> None:
        page = self._pages.get(number >> _PAGE_BITS)
        if page is None:
            if len(self._pages) >= _MAX_PAGES:
                return
            page = self._pages[number >> _PAGE_BITS] = bytearray(1 << (_PAGE_BITS - 3))
        page[(number >> 3) & 0xFFF] |= 1 << (number & 7)
