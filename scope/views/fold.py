"""A trace as the tree people look at: equal neighbours folded into one node.

Five or more adjacent siblings of the same name, kind and end are one node, so that 214 queries of a loop take one line.
Below such a node, spans are grouped by name, kind and end wherever they stood. An error never folds into a success.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from ..model import SpanKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import Span, Trace

__all__ = ["FOLD_AT", "Node", "Placed", "nodes"]

FOLD_AT = 5
"""How many equal neighbours it takes to fold them."""

_DEEPEST = 24
"""Levels whose guides are drawn; what is deeper shows half of them and its depth in numbers."""

_Key: TypeAlias = "tuple[str, SpanKind, str]"


@dataclass(frozen=True, slots=True)
class Node:
    """One span, or several that are shown as one, in order of start; ``spans`` is never empty."""

    spans: tuple[Span, ...]

    @property
    def first(self) -> Span:
        return self.spans[0]

    @property
    def count(self) -> int:
        return len(self.spans)

    @property
    def total_ns(self) -> int:
        """Sum of the durations known."""
        return sum(span.duration_ns or 0 for span in self.spans)

    def children(self, fold_at: int) -> Iterator[Node]:
        """Nodes of the spans directly below."""
        if self.count > 1:
            groups: dict[_Key, list[Span]] = {}
            for child in (child for span in self.spans for child in span.children):
                groups.setdefault(_key(child), []).append(child)
            yield from (Node(tuple(group)) for group in groups.values())
            return
        for _, group in groupby(self.first.children, _key):
            yield from _folded(tuple(group), fold_at)


@dataclass(frozen=True, slots=True)
class Placed:
    """A node in its place: ``guide`` leads to its name, ``below`` to lines that belong to it and precede its children.

    ``background`` tells that it is work after the response, or below such work.
    """

    node: Node
    depth: int
    guide: str
    below: str
    background: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """A node still to be visited; ``indent`` is that of its siblings."""

    node: Node
    depth: int = 0
    branch: str = ""
    indent: str = ""
    background: bool = False


def nodes(trace: Trace, *, fold_at: int = FOLD_AT, shortest_ns: int = 0) -> Iterator[Placed]:
    """Every node, parents before children, siblings by start.

    ``fold_at`` of 0 folds nothing. Spans shorter than ``shortest_ns`` are left out unless something below them is not,
    or they failed or are open.
    """
    keep = _long_enough(trace, shortest_ns)
    stack = [_Place(Node((trace.root,)))]
    while stack:
        place = stack.pop()
        children = [node for child in place.node.children(fold_at) for node in _kept(child, keep)]
        yield _placed(place, has_children=bool(children))
        stack.extend(_child(node, place, is_last=node is children[-1]) for node in reversed(children))


def _placed(place: _Place, *, has_children: bool) -> Placed:
    guide = _shortened(place.indent, place.depth) + place.branch
    below = _shortened(_indent_below(place), place.depth) + ("│  " if has_children else "   ")
    return Placed(place.node, place.depth, guide, below, place.background)


def _child(node: Node, parent: _Place, *, is_last: bool) -> _Place:
    background = parent.background or node.first.kind is SpanKind.BACKGROUND
    return _Place(node, parent.depth + 1, "└─ " if is_last else "├─ ", _indent_below(parent), background)


def _indent_below(place: _Place) -> str:
    return (place.indent + {"": "", "├─ ": "│  ", "└─ ": "   "}[place.branch])[-3 * _DEEPEST :]


def _shortened(indent: str, depth: int) -> str:
    return indent if depth <= _DEEPEST else f"…{depth}{indent[-3 * _DEEPEST // 2 :]}"


def _folded(group: tuple[Span, ...], fold_at: int) -> Iterable[Node]:
    if fold_at and len(group) >= fold_at:
        return (Node(group),)
    return (Node((span,)) for span in group)


def _key(span: Span) -> _Key:
    return span.name, span.kind, span.status


def _long_enough(trace: Trace, shortest_ns: int) -> frozenset[str] | None:
    """Ids of the spans to keep; None for all."""
    if shortest_ns <= 0:
        return None
    keep = {trace.root.span_id}
    for _, span in reversed(list(trace.spans())):
        matters = span.status in {"error", "open"} or (span.duration_ns or 0) >= shortest_ns
        if matters or any(child.span_id in keep for child in span.children):
            keep.add(span.span_id)
    return frozenset(keep)


def _kept(node: Node, keep: frozenset[str] | None) -> Iterable[Node]:
    if keep is None:
        return (node,)
    spans = tuple(span for span in node.spans if span.span_id in keep)
    return (Node(spans),) if spans else ()
