"""Bytes to events. Hostile-safe: any byte string gives events or :class:`WireError`, in time linear in its length.

A record is taken whole before its payload is read, and nothing in the payload can reach past the record. Bytes that
follow a payload in its record are passed over: a later minor version may have put something there.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ..model import Event, EventType, Frame, Outcome
from .cursor import Cursor
from .errors import WireError
from .layout import (
    ASYNC_TASK_BEGIN,
    BLOCK,
    FIRST_EVENT_TYPE,
    GAP,
    GC_PAUSE,
    HEADER,
    LANE,
    LEDGER,
    LINE,
    LINES,
    LOOP_STEP,
    MINIMUM_BYTES,
    PREFIX,
    REQUEST_BEGIN,
    REQUEST_END,
    RESPONSE_END,
    RESPONSE_START,
    TWO_BYTES,
    VALUES,
    WORD_BYTES,
)
from .values import decode_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_EXITS: Final[dict[int, Mapping[str, object]]] = {int(end): MappingProxyType({"outcome": int(end)}) for end in Outcome}
_TYPES: Final = {int(kind): kind for kind in EventType}


def decode_records(data: bytes) -> Iterator[Event]:
    """The events of a blob, in its order. Raises WireError, after what came before it, where the format is broken."""
    offset = 0
    length = len(data)
    while offset < length:
        end = record_end(data, offset, length)
        if data[offset] == EventType.FUNCTION_EXIT:
            yield _decode_exit(data, offset)
        elif data[offset] >= FIRST_EVENT_TYPE:
            yield _decode_event(data, offset, end)
        else:
            yield _decode_other(data, offset, end)
        offset = end


def record_end(data: bytes, offset: int, limit: int) -> int:
    """Where the record at ``offset`` ends. Raises WireError unless it is of a known type and whole before ``limit``."""
    if limit - offset < WORD_BYTES:
        raise WireError(offset, f"a header cut off after {limit - offset} bytes")
    size = (data[offset + 1] | data[offset + 2] << 8) * WORD_BYTES
    minimum = MINIMUM_BYTES.get(data[offset])
    if minimum is None:
        raise WireError(offset, f"no record has type {data[offset]:#04x}")
    if size < minimum:
        raise WireError(offset, f"a record of {size} bytes whose type needs {minimum}")
    if size > limit - offset:
        raise WireError(offset, f"a record of {size} bytes where {limit - offset} are left")
    return offset + size


def _decode_event(data: bytes, offset: int, end: int) -> Event:
    header, time_ns, low, site, span, parent = PREFIX.unpack_from(data, offset)
    kind = _TYPES[header & 0xFF]
    payload = _PAYLOADS.get(kind)
    fields = _NOTHING if payload is None else payload(Cursor(data, offset + PREFIX.size, end))
    return Event(kind, time_ns, header >> 48 << 32 | low, span, parent, site, fields)


def _decode_exit(data: bytes, offset: int) -> Event:
    """A FUNCTION_EXIT keeps its outcome where others keep their parent."""
    header, time_ns, low, site, span, outcome = PREFIX.unpack_from(data, offset)
    fields = _EXITS.get(outcome, {"outcome": outcome})
    return Event(EventType.FUNCTION_EXIT, time_ns, header >> 48 << 32 | low, span, 0, site, fields)


def _decode_other(data: bytes, offset: int, end: int) -> Event:
    kind = _TYPES[data[offset]]
    cursor = Cursor(data, offset + HEADER.size, end)
    if kind is EventType.BLOCK:
        return Event(kind, 0, payload={"sequence": cursor.take(BLOCK)[0]})
    if kind is EventType.LANE:
        time_ns, thread_id, generation = cursor.take(LANE)
        name = cursor.text16()
        return Event(kind, time_ns, payload={"thread_id": thread_id, "generation": generation, "thread_name": name})
    if kind is EventType.GAP:
        time_ns, lost, reason = cursor.take(GAP)
        return Event(kind, time_ns, payload={"lost": lost, "reason": reason})
    return Event(kind, 0)


# --- payloads -------------------------------------------------------------------------------------------------------


def _request_begin(cursor: Cursor) -> Mapping[str, object]:
    trace_id, root_span_id, remote_parent_id, kind, flags, _, _ = cursor.take(REQUEST_BEGIN)
    return {
        "trace_id": trace_id,
        "root_span_id": root_span_id,
        "remote_parent_id": remote_parent_id,
        "kind": kind,
        "flags": flags,
        "method": cursor.text16(),
        "path": cursor.text16(),
        "correlation_id": cursor.text16(),
        "attributes": decode_attributes(cursor),
    }


def _request_route(cursor: Cursor) -> Mapping[str, object]:
    """The template is there only where no definition is named; a record without payload has none either way."""
    return {"template": cursor.text16()} if cursor.left else _NOTHING


def _response_start(cursor: Cursor) -> Mapping[str, object]:
    status, flags = cursor.take(RESPONSE_START)
    return {"status": status, "flags": flags}


def _response_end(cursor: Cursor) -> Mapping[str, object]:
    sent, messages = cursor.take(RESPONSE_END)
    return {"body_bytes_sent": sent, "messages_sent": messages}


def _request_end(cursor: Cursor) -> Mapping[str, object]:
    outcome, received, messages_received, messages_sent, sent = cursor.take(REQUEST_END)
    return {
        "outcome": outcome,
        "body_bytes_received": received,
        "messages_received": messages_received,
        "messages_sent": messages_sent,
        "body_bytes_sent": sent,
    }


def _span_begin(cursor: Cursor) -> Mapping[str, object]:
    kind, _ = cursor.take(TWO_BYTES)
    return {"kind": kind, "name": cursor.text16(), "attributes": decode_attributes(cursor)}


def _span_end(cursor: Cursor) -> Mapping[str, object]:
    outcome, _ = cursor.take(TWO_BYTES)
    return {"outcome": outcome, "attributes": decode_attributes(cursor)}


def _mark(cursor: Cursor) -> Mapping[str, object]:
    """A mark that a definition names and that has no attributes is the prefix alone."""
    if not cursor.left:
        return {"name": "", "attributes": {}}
    return {"name": cursor.text16(), "attributes": decode_attributes(cursor)}


def _values(cursor: Cursor) -> Mapping[str, object]:
    what, _, left_out, line = cursor.take(VALUES)
    return {"what": what, "left_out": left_out, "line": line, "attributes": decode_attributes(cursor)}


def _lines(cursor: Cursor) -> Mapping[str, object]:
    left_out, count, _ = cursor.take(LINES)
    return {"left_out": left_out, "lines": tuple(cursor.take(LINE) for _ in range(count))}


def _annotation(cursor: Cursor) -> Mapping[str, object]:
    return {"attributes": decode_attributes(cursor)}


def _exception(cursor: Cursor) -> Mapping[str, object]:
    flags, _ = cursor.take(TWO_BYTES)
    return {
        "flags": flags,
        "type": cursor.text16(),
        "message": cursor.text16(),
        "frames": tuple(_frame(cursor) for _ in range(cursor.u16())),
    }


def _frame(cursor: Cursor) -> Frame:
    return Frame(cursor.text16(), cursor.text16(), cursor.u32(), in_app=cursor.u8() != 0)


def _loop_step(cursor: Cursor) -> Mapping[str, object]:
    waited_ns, ran_ns, flags, task = cursor.take(LOOP_STEP)
    return {"waited_ns": waited_ns, "ran_ns": ran_ns, "flags": flags, "task": task}


def _gc_pause(cursor: Cursor) -> Mapping[str, object]:
    lasted_ns, generation, _, collected, uncollectable = cursor.take(GC_PAUSE)
    return {
        "lasted_ns": lasted_ns,
        "generation": generation,
        "collected": collected,
        "uncollectable": uncollectable,
    }


def _async_task_begin(cursor: Cursor) -> Mapping[str, object]:
    waited_ns, flags, _ = cursor.take(ASYNC_TASK_BEGIN)
    return {"waited_ns": waited_ns, "flags": flags, "name": cursor.text16()}


def _async_task_end(cursor: Cursor) -> Mapping[str, object]:
    outcome, _ = cursor.take(TWO_BYTES)
    return {"outcome": outcome, "error": cursor.text16()}


def _ledger(cursor: Cursor) -> Mapping[str, object]:
    held_back, taken_out, level, flags, share = cursor.take(LEDGER)
    return {"held_back": held_back, "taken_out": taken_out, "level": level, "flags": flags, "share": share}


_PAYLOADS: Final[dict[EventType, Callable[[Cursor], Mapping[str, object]]]] = {
    EventType.REQUEST_BEGIN: _request_begin,
    EventType.REQUEST_ROUTE: _request_route,
    EventType.RESPONSE_START: _response_start,
    EventType.RESPONSE_END: _response_end,
    EventType.REQUEST_END: _request_end,
    EventType.SPAN_BEGIN: _span_begin,
    EventType.SPAN_END: _span_end,
    EventType.MARK: _mark,
    EventType.VALUES: _values,
    EventType.LINES: _lines,
    EventType.ANNOTATION: _annotation,
    EventType.EXCEPTION: _exception,
    EventType.LOOP_STEP: _loop_step,
    EventType.OUTSIDE_STEP: _loop_step,
    EventType.GC_PAUSE: _gc_pause,
    EventType.ASYNC_TASK_BEGIN: _async_task_begin,
    EventType.ASYNC_TASK_END: _async_task_end,
    EventType.LEDGER: _ledger,
}
