"""Events to bytes: the twin of what the C core writes, for tests, golden bytes and importers.

A field that an event's payload lacks is written as zero or empty. What the format has no room for raises ValueError.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ..model import Event, EventType
from . import fields
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
    MAX_RECORD_WORDS,
    PREFIX,
    REQUEST_BEGIN,
    REQUEST_END,
    RESPONSE_END,
    RESPONSE_START,
    TRACE_ID_BYTES,
    TWO_BYTES,
    VALUES,
    WORD_BYTES,
    head_bytes,
    padded,
    stamp,
)
from .values import encode_attributes, encode_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..model import Frame


def encode_records(events: Iterable[Event], position: int = 0) -> bytes:
    """The records of ``events``, one after the other from ``position`` of a ring on; a blob where that is 0."""
    parts: list[bytes] = []
    for event in events:
        parts.append(encode_record(event, position))
        position += len(parts[-1])
    return b"".join(parts)


def encode_record(event: Event, position: int = 0) -> bytes:
    """The record of ``event`` with the stamp of ``position``."""
    try:
        return _encode(event, position)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a number of {event.type.name} does not fit its field: {error}") from error


def _encode(event: Event, position: int) -> bytes:
    payload = _PAYLOADS[event.type](event)
    size = padded(head_bytes(event.type) + len(payload))
    if size > MAX_RECORD_WORDS * WORD_BYTES:
        raise ValueError(f"a record of {size} bytes; at most {MAX_RECORD_WORDS * WORD_BYTES} fit")
    header = event.type | (size // WORD_BYTES) << 8 | stamp(position) << 24 | (event.request >> 32) << 48
    return (_head(event, header) + payload).ljust(size, b"\0")


def _head(event: Event, header: int) -> bytes:
    if event.type < FIRST_EVENT_TYPE:
        return HEADER.pack(header)
    last = fields.number(event, "outcome") if event.type == EventType.FUNCTION_EXIT else event.parent
    return PREFIX.pack(header, event.time_ns, event.request & 0xFFFFFFFF, event.site, event.span, last)


# --- payloads -------------------------------------------------------------------------------------------------------


def _nothing(_: Event) -> bytes:
    return b""


def _block(event: Event) -> bytes:
    return BLOCK.pack(fields.number(event, "sequence"))


def _lane(event: Event) -> bytes:
    fixed = LANE.pack(event.time_ns, fields.number(event, "thread_id"), fields.number(event, "generation"))
    return fixed + encode_text(fields.text(event, "thread_name"))


def _gap(event: Event) -> bytes:
    return GAP.pack(event.time_ns, fields.number(event, "lost"), fields.number(event, "reason"))


def _request_begin(event: Event) -> bytes:
    trace_id = fields.octets(event, "trace_id")
    if len(trace_id) not in {0, TRACE_ID_BYTES}:
        raise ValueError(f"a trace id of {len(trace_id)} bytes")
    fixed = REQUEST_BEGIN.pack(
        trace_id,
        fields.number(event, "root_span_id"),
        fields.number(event, "remote_parent_id"),
        fields.number(event, "kind"),
        fields.number(event, "flags"),
        0,
        0,
    )
    texts = (encode_text(fields.text(event, name)) for name in ("method", "path", "correlation_id"))
    return fixed + b"".join(texts) + encode_attributes(fields.attributes(event))


def _request_route(event: Event) -> bytes:
    return b"" if event.site else encode_text(fields.text(event, "template"))


def _response_start(event: Event) -> bytes:
    return RESPONSE_START.pack(fields.number(event, "status"), fields.number(event, "flags"))


def _response_end(event: Event) -> bytes:
    return RESPONSE_END.pack(fields.number(event, "body_bytes_sent"), fields.number(event, "messages_sent"))


def _request_end(event: Event) -> bytes:
    names = ("outcome", "body_bytes_received", "messages_received", "messages_sent", "body_bytes_sent")
    return REQUEST_END.pack(*(fields.number(event, name) for name in names))


def _span_begin(event: Event) -> bytes:
    fixed = TWO_BYTES.pack(fields.number(event, "kind"), 0)
    return fixed + encode_text(fields.text(event, "name")) + encode_attributes(fields.attributes(event))


def _span_end(event: Event) -> bytes:
    return TWO_BYTES.pack(fields.number(event, "outcome"), 0) + encode_attributes(fields.attributes(event))


def _mark(event: Event) -> bytes:
    return encode_text(fields.text(event, "name")) + encode_attributes(fields.attributes(event))


def _values(event: Event) -> bytes:
    numbers = (fields.number(event, name) for name in ("left_out", "line"))
    return VALUES.pack(fields.number(event, "what"), 0, *numbers) + encode_attributes(fields.attributes(event))


def _lines(event: Event) -> bytes:
    runs = fields.line_runs(event)
    return LINES.pack(fields.number(event, "left_out"), len(runs), 0) + b"".join(LINE.pack(*run) for run in runs)


def _annotation(event: Event) -> bytes:
    return encode_attributes(fields.attributes(event))


def _exception(event: Event) -> bytes:
    fixed = TWO_BYTES.pack(fields.number(event, "flags"), 0)
    texts = encode_text(fields.text(event, "type")) + encode_text(fields.text(event, "message"))
    frames = fields.frames(event)
    return fixed + texts + len(frames).to_bytes(2, "little") + b"".join(map(_frame, frames))


def _frame(frame: Frame) -> bytes:
    place = encode_text(frame.file) + encode_text(frame.function)
    return place + frame.line.to_bytes(4, "little") + bytes((frame.in_app,))


def _loop_step(event: Event) -> bytes:
    return LOOP_STEP.pack(*(fields.number(event, name) for name in ("waited_ns", "ran_ns", "flags", "task")))


def _gc_pause(event: Event) -> bytes:
    counts = (fields.number(event, name) for name in ("collected", "uncollectable"))
    return GC_PAUSE.pack(fields.number(event, "lasted_ns"), fields.number(event, "generation"), 0, *counts)


def _async_task_begin(event: Event) -> bytes:
    fixed = ASYNC_TASK_BEGIN.pack(fields.number(event, "waited_ns"), fields.number(event, "flags"), 0)
    return fixed + encode_text(fields.text(event, "name"))


def _async_task_end(event: Event) -> bytes:
    return TWO_BYTES.pack(fields.number(event, "outcome"), 0) + encode_text(fields.text(event, "error"))


def _ledger(event: Event) -> bytes:
    return LEDGER.pack(*(fields.number(event, name) for name in ("held_back", "taken_out", "level", "flags", "share")))


_PAYLOADS: Final[dict[EventType, Callable[[Event], bytes]]] = {
    EventType.FILL: _nothing,
    EventType.BLOCK: _block,
    EventType.LANE: _lane,
    EventType.GAP: _gap,
    EventType.REQUEST_BEGIN: _request_begin,
    EventType.REQUEST_ROUTE: _request_route,
    EventType.RESPONSE_START: _response_start,
    EventType.RESPONSE_END: _response_end,
    EventType.REQUEST_END: _request_end,
    EventType.DISCONNECT: _nothing,
    EventType.SPAN_BEGIN: _span_begin,
    EventType.SPAN_END: _span_end,
    EventType.FUNCTION_ENTER: _nothing,
    EventType.FUNCTION_EXIT: _nothing,
    EventType.MARK: _mark,
    EventType.VALUES: _values,
    EventType.LINES: _lines,
    EventType.ANNOTATION: _annotation,
    EventType.EXCEPTION: _exception,
    EventType.LOOP_STEP: _loop_step,
    EventType.OUTSIDE_STEP: _loop_step,
    EventType.GC_PAUSE: _gc_pause,
    EventType.SHUTDOWN: _nothing,
    EventType.ASYNC_TASK_BEGIN: _async_task_begin,
    EventType.ASYNC_TASK_END: _async_task_end,
    EventType.LEDGER: _ledger,
}
