"""Nodes decided on decoded data: for requests that are in no table yet, and for what SQL let through."""

from __future__ import annotations

import operator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ...model import Cut
from .fields import Subject
from .nodes import AllOf, AnyOf, Compare, Like, Node, Not, OneOf, SpanWith

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ...model import AttributeValue, RequestSummary, Span, Trace

__all__ = ["attribute_number", "attribute_text", "matches", "needs_trace"]

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def needs_trace(node: Node) -> bool:
    """Whether SQL alone cannot decide: some condition is about how long a span took."""
    match node:
        case Not():
            return needs_trace(node.node)
        case AllOf() | AnyOf():
            return any(needs_trace(child) for child in node.nodes)
        case SpanWith():
            return any(leaf.field.name == "span.dur" for leaf in node.conditions)
        case Compare() | Like() | OneOf():
            return False


def matches(node: Node, request: RequestSummary, trace: Callable[[], Trace]) -> bool:
    """Whether the request meets ``node``; ``trace`` is called only where a condition is about spans or attributes."""
    match node:
        case Not():
            return not matches(node.node, request, trace)
        case AllOf():
            return all(matches(child, request, trace) for child in node.nodes)
        case AnyOf():
            return any(matches(child, request, trace) for child in node.nodes)
        case SpanWith():
            return any(_span_meets(span, node.conditions) for _, span in trace().spans())
        case Compare() | Like() | OneOf():
            return _single(node, request, trace)


def attribute_text(value: AttributeValue) -> str | None:
    """What equality and patterns compare an attribute by; None for values that are not searchable."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return repr(value)
        case Cut():
            return value.text
        case _:
            return None


def attribute_number(value: AttributeValue) -> int | float | None:
    """What ``<`` and its like compare an attribute by; None for anything but a number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _single(node: Compare | Like | OneOf, request: RequestSummary, trace: Callable[[], Trace]) -> bool:
    if isinstance(node, OneOf):
        return getattr(request, node.field.name) in node.values
    if node.field.subject is Subject.ATTRIBUTE:
        return any(_attribute_meets(value, node) for value in _values_of(trace(), node.field.key))
    return _meets(getattr(request, node.field.name), node)


def _values_of(trace: Trace, key: str) -> Iterable[AttributeValue]:
    return (span.attributes[key] for _, span in trace.spans() if key in span.attributes)


def _attribute_meets(value: AttributeValue, node: Compare | Like) -> bool:
    is_order = isinstance(node, Compare) and node.operator != "="
    return _meets(attribute_number(value) if is_order else attribute_text(value), node)


def _span_meets(span: Span, conditions: Iterable[Compare | Like]) -> bool:
    return all(_meets(span.duration_ns if leaf.field.name == "span.dur" else span.name, leaf) for leaf in conditions)


def _meets(value: object, node: Compare | Like) -> bool:
    if value is None:
        return False
    if isinstance(node, Like):
        return fnmatchcase(str(value), node.pattern)
    return _OPERATORS[node.operator](value, node.value)
