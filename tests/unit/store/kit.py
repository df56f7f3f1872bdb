"""Requests as a correlator would hand them over, and what a store of them needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scope.model import Definition, DefinitionKind, Event, EventType, Frame
from scope.store import Batch, SegmentInfo, Summary, Writer
from scope.wire.definitions import encode_definition
from scope.wire.encode import encode_record, encode_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
START_NS = 1_800_000_000 * SECOND_NS
"""The beginning of an hour, so of a slice."""
OFFSET_NS = START_NS - 5_000
"""What the realtime clock is ahead of the monotonic one in these samples."""

SEGMENT = SegmentInfo("0af7651916cd43dd8448eb211c80319c", 4711, "shop", "web-1", START_NS - SECOND_NS)
OTHER = SegmentInfo("b7ad6b7169203331a2c5f3b1e8d94a60", 4712, "shop", "web-1", START_NS - SECOND_NS)

ROUTE, LOAD, RENDER = 1, 2, 3
DEFINITIONS = [
    encode_definition(Definition(DefinitionKind.ROUTE, "/items/{id}")),
    encode_definition(Definition(DefinitionKind.CODE, "load", "shop.items", "/srv/shop/items.py", 12)),
    encode_definition(Definition(DefinitionKind.NAME, "render")),
]


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``store.*`` settings."""

    slice_s: int = 3600
    retention_age_s: int = 7 * 86_400
    retention_bytes: int = 1 << 30


class Clock:
    """Unix time that only moves when told to."""

    def __init__(self, now_ns: int = START_NS) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


def summary(key: int = 1, **fields: Any) -> Summary:
    """A finished GET of 40 us that began ``key`` milliseconds after START_NS; ``fields`` replace its own."""
    start_ns = fields.get("start_ns", START_NS + key * 1_000_000)
    whole = Summary(
        segment=1,
        key=key,
        state=1,
        kind=1,
        flags=0,
        trace_id=key.to_bytes(16, "big"),
        span_id=0xA000_0000_0000_0000 + key,
        remote_parent=0,
        method="GET",
        path=f"/items/{key}",
        id=None,
        route=ROUTE,
        route_text=None,
        status=200,
        start_ns=start_ns,
        first_byte_ns=start_ns + 30_000,
        response_end_ns=start_ns + 40_000,
        end_ns=start_ns + 50_000,
        outcome=0,
        events=4,
        spans=1,
        errors=0,
        lost=0,
        complete=1,
        tracing_ns=0,
        bytes_in=0,
        bytes_out=17,
        messages_in=0,
        messages_out=2,
        loop_wait_ns=0,
        thread_wait_ns=0,
        longest_step_ns=0,
        sites=(),
        notes=(),
        blob=encode_records(begun(key, start_ns) + ended(key, start_ns), key * 512),
        pieces=0,
        position=key * 512,
        late=0,
    )
    return whole._replace(**fields)


def begun(key: int, start_ns: int) -> list[Event]:
    """The first records of a request."""
    now = max(start_ns - OFFSET_NS, 0)
    begin = {"trace_id": key.to_bytes(16, "big"), "root_span_id": 0xA000_0000_0000_0000 + key, "kind": 1}
    return [
        lane(now),
        Event(EventType.REQUEST_BEGIN, now, key, 1, payload={**begin, "method": "GET", "path": f"/items/{key}"}),
        Event(EventType.REQUEST_ROUTE, now + 9_000, key, 1, site=ROUTE),
    ]


def ended(key: int, start_ns: int) -> list[Event]:
    """Its last ones."""
    now = max(start_ns - OFFSET_NS, 0)
    return [
        Event(EventType.RESPONSE_START, now + 30_000, key, 1, payload={"status": 200}),
        Event(EventType.REQUEST_END, now + 50_000, key, 1, payload={"body_bytes_sent": 17, "messages_sent": 2}),
    ]


def lane(now: int) -> Event:
    return Event(EventType.LANE, now, payload={"thread_id": 7, "generation": 1, "thread_name": "MainThread"})


def annotation(key: int = 1, /, **attributes: object) -> bytes:
    return encode_record(Event(EventType.ANNOTATION, 10_000, key, 1, payload={"attributes": attributes}))


def exception(
    key: int = 1,
    type: str = "shop.Declined",
    message: str = "declined",
    *,
    line: int = 31,
    span: int = 1,
    escaped: bool = True,
    again: bool = False,
    frames: Sequence[Frame] | None = None,
) -> bytes:
    stack = (Frame("/srv/shop/pay.py", "charge", line, in_app=True), Frame("/lib/httpx.py", "send", 9, in_app=False))
    payload = {
        "flags": int(escaped) | 2 * int(again),
        "type": type,
        "message": message,
        "frames": stack if frames is None else tuple(frames),
    }
    return encode_record(Event(EventType.EXCEPTION, 20_000, key, span, payload=payload))


def failed(key: int = 1, *notes: bytes, **fields: Any) -> Summary:
    """A request that ended by an exception."""
    facts = {"outcome": 1, "status": 500, "errors": len(notes) or 1, "notes": notes or (exception(key),)}
    return summary(key, **{**facts, **fields})


def unfinished(key: int = 1, **fields: Any) -> Summary:
    """A request that has begun; its piece is what it has written so far."""
    start_ns = fields.get("start_ns", START_NS + key * 1_000_000)
    facts = {
        "state": 0,
        "status": 0,
        "first_byte_ns": 0,
        "response_end_ns": 0,
        "end_ns": start_ns + 9_000,
        "events": 2,
        "complete": 0,
        "tracing_ns": 0,
        "bytes_out": 0,
        "messages_out": 0,
        "blob": encode_records(begun(key, start_ns), key * 512),
    }
    return summary(key, **{**facts, **fields})


def finish(key: int = 1, **fields: Any) -> Summary:
    """The end of a request of which one piece was handed over."""
    start_ns = fields.get("start_ns", START_NS + key * 1_000_000)
    rest = encode_records(ended(key, start_ns), key * 512 + 256)
    return summary(key, **{"blob": rest, "pieces": 1, "position": key * 512 + 256, **fields})


def open_writer(directory: Path, settings: Settings | None = None, clock: Clock | None = None) -> Writer:
    """A writer that knows SEGMENT as 1 and OTHER as 2, and their definitions."""
    writer = Writer(directory, settings or Settings(), clock=clock or Clock(), timeout_s=0.2)
    for info in (SEGMENT, OTHER):
        writer.register(info)
    writer.commit(Batch(definitions={1: (1, DEFINITIONS), 2: (1, DEFINITIONS)}))
    return writer


def store(directory: Path, *batches: Iterable[tuple[Any, ...]], settings: Settings | None = None) -> None:
    """Store ``batches`` of finished requests."""
    with open_writer(directory, settings) as writer:
        for finished in batches:
            writer.commit(Batch(finished=list(finished)))
