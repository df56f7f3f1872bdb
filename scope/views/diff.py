"""The pass that lays two traces over each other: spans of one name and kind under the same way from the root are one.

How long things take differs with every request, so times alone make no difference: two traces differ where something
ran or failed a different number of times, or where the requests ended differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import RequestSummary, Span, SpanKind, Trace

__all__ = ["Aligned", "Side", "TraceDiff", "changed_places", "diff_traces"]

_Key: TypeAlias = "tuple[str, SpanKind]"


@dataclass(frozen=True, slots=True)
class Side:
    """What one trace has at a place: ``calls`` of it, ``failed`` ones among them, and what they took.

    ``self_ns`` is ``total_ns`` without what is below; 0 where that ran side by side for longer.
    """

    calls: int = 0
    failed: int = 0
    total_ns: int = 0
    self_ns: int = 0


@dataclass(frozen=True, slots=True)
class Aligned:
    """A place in both traces, ``depth`` below the roots, which have 0."""

    name: str
    kind: SpanKind
    depth: int
    a: Side
    b: Side

    @property
    def is_different(self) -> bool:
        return (self.a.calls, self.a.failed) != (self.b.calls, self.b.failed)

    @property
    def change_ns(self) -> int:
        """How much longer it took in b."""
        return self.b.total_ns - self.a.total_ns


@dataclass(frozen=True, slots=True)
class TraceDiff:
    """``places``: parents before children, siblings in the order in which a, then b, had them first.

    ``is_whole`` says that neither trace was assembled without some of its spans; else counts are of those that are
    there.
    """

    a: RequestSummary
    b: RequestSummary
    places: tuple[Aligned, ...]
    is_whole: bool

    @property
    def is_different(self) -> bool:
        endings = [(each.status, each.outcome, each.error) for each in (self.a, self.b)]
        return endings[0] != endings[1] or any(each.is_different for each in self.places)


def diff_traces(a: Trace, b: Trace) -> TraceDiff:
    """Both traces, place by place; the roots are one place whatever their names."""
    root = _Place((a.root.name if a.root.name == b.root.name else "request", a.root.kind))
    for side, trace in enumerate((a, b)):
        _lay(root, trace.root, side)
    is_whole = not (a.left_out.spans or b.left_out.spans)
    return TraceDiff(a.request, b.request, tuple(_in_order(root)), is_whole)


@dataclass(slots=True)
class _Place:
    """A place while spans are being laid on it; what it counts it counts for a, then for b."""

    key: _Key
    calls: list[int] = field(default_factory=lambda: [0, 0])
    failed: list[int] = field(default_factory=lambda: [0, 0])
    total_ns: list[int] = field(default_factory=lambda: [0, 0])
    self_ns: list[int] = field(default_factory=lambda: [0, 0])
    below: dict[_Key, _Place] = field(default_factory=dict["_Key", "_Place"])

    def add(self, span: Span, side: int) -> None:
        took_ns = span.duration_ns or 0
        self.calls[side] += 1
        self.failed[side] += span.status == "error"
        self.total_ns[side] += took_ns
        self.self_ns[side] += max(took_ns - sum(child.duration_ns or 0 for child in span.children), 0)

    def child(self, span: Span) -> _Place:
        key = span.name, span.kind
        if key not in self.below:
            self.below[key] = _Place(key)
        return self.below[key]

    def side(self, side: int) -> Side:
        return Side(self.calls[side], self.failed[side], self.total_ns[side], self.self_ns[side])


def _lay(root: _Place, span: Span, side: int) -> None:
    """Without recursion: a trace may be as deep as it is large."""
    stack = [(root, span)]
    while stack:
        place, at = stack.pop()
        place.add(at, side)
        below = [(place.child(child), child) for child in at.children]
        stack.extend(reversed(below))


def _in_order(root: _Place) -> Iterator[Aligned]:
    stack = [(0, root)]
    while stack:
        depth, place = stack.pop()
        yield Aligned(*place.key, depth, place.side(0), place.side(1))
        stack.extend((depth + 1, child) for child in reversed(place.below.values()))


def changed_places(diff: TraceDiff, least_ns: int) -> frozenset[int]:
    """The indexes of the places that differ or changed by ``least_ns`` or more, and of those that they are below."""
    kept: set[int] = set()
    way: list[int] = []
    for index, place in enumerate(diff.places):
        del way[place.depth :]
        way.append(index)
        if place.is_different or abs(place.change_ns) >= least_ns:
            kept.update(way)
    return frozenset(kept)
