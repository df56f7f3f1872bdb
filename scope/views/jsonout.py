"""Requests and traces as JSON: the same names as in filters, all times and durations in whole nanoseconds.

Characters beyond ASCII are escaped, so that a terminal can be shown any of it. What JSON has no form for is an object
whose key begins with a dollar: ``{"$redacted": true}``, ``{"$cut": "text", "length": 4000}``, ``{"$object": "type"}``,
``{"$bytes": "base64"}``, ``{"$float": "nan"}``.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..model import Cut, Instance, ObjectName, Part, Redacted
from .header import label
from .states import states

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..model import Attributes, AttributeValue, CallValues, RequestSummary, Span, Stretch, Trace
    from .blame import Blame, OutsideTheft, Theft

__all__ = [
    "JsonObject",
    "array_lines",
    "blame_object",
    "dumps",
    "indented_lines",
    "request_object",
    "span_object",
    "trace_object",
]

JsonObject: TypeAlias = "dict[str, Any]"
_CHUNKS: Final = 10_000


def dumps(value: object, *, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, allow_nan=False)


def indented_lines(value: object) -> Iterator[str]:
    """The value over many lines, some of them at a time, so that the whole text is never held."""
    rest = ""
    encoded = json.JSONEncoder(indent=2, allow_nan=False).iterencode(value)
    while chunks := list(islice(encoded, _CHUNKS)):
        lines, _, rest = (rest + "".join(chunks)).rpartition("\n")
        if lines:
            yield lines
    yield rest


def array_lines(objects: Iterable[JsonObject]) -> Iterator[str]:
    """One JSON array, an object a line."""
    before = "["
    for each in objects:
        yield before + dumps(each)
        before = ","
    yield "[]" if before == "[" else "]"


def request_object(request: RequestSummary, fields: Sequence[str] | None = None) -> JsonObject:
    """The request's fields, or those of them that are named, in that order."""
    return asdict(request) if fields is None else {name: getattr(request, name) for name in fields}


def trace_object(trace: Trace) -> JsonObject:
    """``request``; ``spans``: every span with its depth, parents before children, siblings by start; ``states``.

    ``truncated`` is there only where the trace was assembled without some; then spans say how many each misses.
    """
    if trace.left_out:
        spans = [{**span_object(span), "depth": depth, "truncated": _left_out(span)} for depth, span in trace.spans()]
    else:
        spans = [{**span_object(span), "depth": depth} for depth, span in trace.spans()]
    return {
        "request": request_object(trace.request),
        "spans": spans,
        "states": [_state(each) for each in states(trace)],
        "tasks": [asdict(task) for task in trace.tasks],
        **({"truncated": asdict(trace.left_out)} if trace.left_out else {}),
    }


def blame_object(blame: Blame) -> JsonObject:
    """What the request waited for its loop and who took it, and what it took from whom; the most first."""
    return {
        "waited_ns": blame.waited_ns,
        "stolen": [_theft(theft, theft.culprit) for theft in blame.stolen],
        "outside": [_outside(theft) for theft in blame.outside],
        "unexplained_ns": blame.unexplained_ns,
        "held_ns": blame.held_ns,
        "taken": [_theft(theft, theft.victim) for theft in blame.taken],
        "skipped": blame.holders_skipped + blame.waiters_skipped,
    }


def _theft(theft: Theft, other: RequestSummary) -> JsonObject:
    return {
        "id": other.id,
        "span_id": other.span_id,
        "request": label(other),
        "function": theft.function,
        "stolen_ns": theft.stolen_ns,
        "paused_ns": theft.paused_ns,
    }


def _outside(theft: OutsideTheft) -> JsonObject:
    """Of several alike, one's times are given."""
    return {**asdict(theft.example), "stolen_ns": theft.stolen_ns}


def _left_out(span: Span) -> JsonObject:
    """How many spans below it, at any depth, and how many of its marks are not there."""
    return {"spans": span.spans_left_out, "marks": span.marks_left_out}


def _state(stretch: Stretch) -> JsonObject:
    return {
        "state": stretch.state.value,
        "start_ns": stretch.start_ns,
        "duration_ns": stretch.duration_ns,
        "awaits": stretch.label,
    }


def span_object(span: Span) -> JsonObject:
    """A span without its children; ``exception`` is null where there was none."""
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "start_ns": span.start_ns,
        "duration_ns": span.duration_ns,
        "status": span.status,
        "attributes": _attributes(span.attributes),
        "exception": asdict(span.exception) if span.exception else None,
        "marks": [
            {"name": mark.name, "time_ns": mark.time_ns, "attributes": _attributes(mark.attributes)}
            for mark in span.marks
        ],
        "thread": span.thread,
        "file": span.file,
        "line": span.line,
        **({"values": _values(span.values)} if span.values is not None else {}),
    }


def _values(values: CallValues) -> JsonObject:
    """``result`` is there only where there was one: null is a result, too."""
    return {
        "arguments": None if values.arguments is None else _attributes(values.arguments),
        **({"result": _value(values.result)} if values.has_result else {}),
        "yielded": [_value(each) for each in values.yielded],
        "locals": [asdict(each) | {"values": _attributes(each.values)} for each in values.locals],
        "lines": [asdict(each) for each in values.lines],
        "left_out": values.left_out,
    }


def _attributes(attributes: Attributes) -> JsonObject:
    return {key: _value(value) for key, value in attributes.items()}


def _value(value: AttributeValue) -> object:
    match value:
        case Cut():
            return {"$cut": value.text, "length": value.length}
        case Redacted():
            return {"$redacted": True}
        case ObjectName():
            return {"$object": value.type_name}
        case Part():
            return {"$part": _value(value.items), "length": value.length}
        case Instance():
            told = {"$instance": value.type_name, "attributes": _attributes(value.attributes)}
            return told | ({"part": True} if value.is_part else {})
        case tuple():
            return [_value(item) for item in value]
        case Mapping():
            return _attributes(value)
        case _:
            return _scalar(value)


def _scalar(value: float | str | bytes | None) -> object:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    return value
