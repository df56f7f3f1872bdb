"""A collector in miniature over a script of what two processes do, and what a store of it must hold in the end.

The script is a list of events in the order of a ring. The collector reads some of them at a time, hands over what ended
and what is new of the rest, and begins again after a crash where the store says: as the real one does, in Python.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scope.model import Event, EventType
from scope.store import Batch, Cursor, Reader, Summary, Writer
from scope.wire import fields
from scope.wire.decode import decode_records
from scope.wire.encode import encode_record
from tests.unit.store.kit import DEFINITIONS, LOAD, OFFSET_NS, OTHER, ROUTE, SEGMENT, START_NS, Clock, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEGMENTS = {info.uuid: info for info in (SEGMENT, OTHER)}
SETTINGS = Settings(slice_s=60)
END_NS = START_NS + 180 * 10**9
_NOTES = (EventType.ANNOTATION, EventType.EXCEPTION)
_FRAME = {"type": "shop.Declined", "message": "declined", "flags": 1}


@dataclass(frozen=True, slots=True)
class Entry:
    """An event at its place in the ring."""

    event: Event
    offset: int
    record: bytes


def script(seed: int, requests: int) -> dict[str, list[Entry]]:
    """For each process the events of so many requests, six of them at a time, over three slices."""
    return {uuid: list(_ring(random.Random(f"{seed} {uuid}"), requests)) for uuid in SEGMENTS}


def _ring(source: random.Random, requests: int) -> Iterator[Entry]:
    waiting = [_life(source, key, START_NS + key * 170 * 10**9 // requests) for key in range(1, requests + 1)]
    running = [waiting.pop(0) for _ in range(min(6, len(waiting)))]
    offset = 0
    while running:
        life = source.choice(running)
        event = life.pop(0)
        record = encode_record(event, offset)
        yield Entry(event, offset, record)
        offset += len(record)
        if not life:
            running.remove(life)
            running += [waiting.pop(0)] if waiting else []


def _life(source: random.Random, key: int, start_ns: int) -> list[Event]:
    now = start_ns - OFFSET_NS
    begin = {"trace_id": source.randbytes(16), "root_span_id": source.getrandbits(64), "kind": 1, "method": "GET"}
    calls = source.randrange(4)
    life = [
        Event(EventType.REQUEST_BEGIN, now, key, 1, payload={**begin, "path": f"/items/{key}"}),
        Event(EventType.REQUEST_ROUTE, now + 1_000, key, 1, site=ROUTE),
    ]
    for number in range(2, 2 + calls):
        life.append(Event(EventType.FUNCTION_ENTER, now + number * 2_000, key, number, 1, LOAD))
        attributes = {"order": key, "call": number}
        life.append(Event(EventType.ANNOTATION, now + number * 2_000 + 500, key, 1, payload={"attributes": attributes}))
        life.append(Event(EventType.FUNCTION_EXIT, now + number * 2_000 + 1_000, key, number, payload={"outcome": 0}))
    if calls == 3:
        life.append(Event(EventType.EXCEPTION, now + 10_000, key, 1, payload=_FRAME))
    ends = {"outcome": int(calls == 3), "body_bytes_sent": key}
    life.append(Event(EventType.RESPONSE_START, now + 11_000, key, 1, payload={"status": 500 if calls == 3 else 200}))
    life.append(Event(EventType.REQUEST_END, now + 12_000 + key * 100, key, 1, payload=ends))
    if source.random() < 0.3:
        late = {"attributes": {"late": key}}
        life.append(Event(EventType.ANNOTATION, now + 20_000 + key * 100, key, 1, payload=late))
    return life


@dataclass(slots=True)
class Group:
    """What the collector holds of one request."""

    key: int
    events: list[Event] = field(default_factory=list[Event])
    fresh: list[Entry] = field(default_factory=list[Entry])
    pieces: int = 0
    late: bool = False

    def add(self, entry: Entry) -> None:
        self.events.append(entry.event)
        self.fresh.append(entry)

    @property
    def is_over(self) -> bool:
        return any(event.type is EventType.REQUEST_END for event in self.events)

    def hand_over(self, segment: int, state: int) -> Summary:
        """The request as the correlator would put it, which then forgets the bytes."""
        last = {event.type: event for event in self.events}
        begin = last.get(EventType.REQUEST_BEGIN)
        end = last.get(EventType.REQUEST_END)
        response = last.get(EventType.RESPONSE_START)
        times = [event.time_ns + OFFSET_NS for event in self.events]
        counts = Counter(event.type for event in self.events)
        given = Summary(
            segment=segment,
            key=self.key,
            state=state,
            kind=fields.number(begin, "kind") if begin else 0,
            flags=0,
            trace_id=fields.octets(begin, "trace_id") if begin else bytes(16),
            span_id=fields.number(begin, "root_span_id") if begin else 0,
            remote_parent=0,
            method=fields.text(begin, "method") if begin else "",
            path=fields.text(begin, "path") if begin else "",
            id=None,
            route=ROUTE if EventType.REQUEST_ROUTE in last else 0,
            route_text=None,
            status=fields.number(response, "status") if response else 0,
            start_ns=begin.time_ns + OFFSET_NS if begin else min(times),
            first_byte_ns=response.time_ns + OFFSET_NS if response else 0,
            response_end_ns=0,
            end_ns=max(times),
            outcome=fields.number(end, "outcome") if end else 0,
            events=len(self.events),
            spans=counts[EventType.REQUEST_BEGIN] + counts[EventType.FUNCTION_ENTER],
            errors=counts[EventType.EXCEPTION],
            lost=0,
            complete=int(bool(begin and end)),
            tracing_ns=0,
            bytes_in=0,
            bytes_out=fields.number(end, "body_bytes_sent") if end else 0,
            messages_in=0,
            messages_out=0,
            loop_wait_ns=0,
            thread_wait_ns=0,
            longest_step_ns=0,
            sites=(LOAD,) if EventType.FUNCTION_ENTER in last else (),
            notes=tuple(entry.record for entry in self.fresh if entry.event.type in _NOTES),
            blob=b"".join(entry.record for entry in self.fresh),
            pieces=self.pieces,
            position=self.fresh[0].offset if self.fresh else 0,
            late=int(self.late),
        )
        self.pieces += 1
        self.fresh = []
        return given


class MiniCollector:
    """Reads the script from where the store says it stands."""

    def __init__(self, writer: Writer, rings: dict[str, list[Entry]]) -> None:
        self.writer = writer
        self._rings = rings
        self._numbers = {uuid: writer.register(info) for uuid, info in SEGMENTS.items()}
        restored = writer.restore()
        self._known = {uuid: restored.definitions.get(uuid, 0) for uuid in SEGMENTS}
        self._places = {uuid: restored.heads.get(uuid, (0,))[0] for uuid in SEGMENTS}
        self._groups: dict[tuple[str, int], Group] = {}
        self._over: set[tuple[str, int]] = set()
        for request in restored.open:
            events = list(decode_records(b"".join(request.pieces)))
            group = Group(request.key, events, pieces=len(request.pieces))
            self._groups[request.segment, request.key] = group

    @property
    def is_done(self) -> bool:
        return not self._groups and all(self._places[uuid] == len(self._rings[uuid]) for uuid in SEGMENTS)

    def read(self, count: int) -> Batch:
        """The next ``count`` events of each ring, as a batch."""
        for uuid, ring in self._rings.items():
            place = self._places[uuid]
            for entry in ring[place : place + count]:
                self._take(uuid, entry)
            self._places[uuid] = min(place + count, len(ring))
        return Batch(
            finished=list(self._finished()),
            open=[group.hand_over(self._numbers[uuid], 0) for (uuid, _), group in self._groups.items() if group.fresh],
            definitions={self._numbers[uuid]: (have + 1, DEFINITIONS[have:]) for uuid, have in self._known.items()},
            heads={self._numbers[uuid]: (place,) for uuid, place in self._places.items()},
            losses={self._numbers[uuid]: {"lapped": place} for uuid, place in self._places.items()},
        )

    def stored(self) -> None:
        self._known = dict.fromkeys(SEGMENTS, len(DEFINITIONS))

    def _take(self, uuid: str, entry: Entry) -> None:
        whose = (uuid, entry.event.request)
        group = self._groups.setdefault(whose, Group(entry.event.request, late=whose in self._over))
        group.add(entry)

    def _finished(self) -> Iterator[Summary]:
        for whose, group in list(self._groups.items()):
            begun = any(event.type is EventType.REQUEST_BEGIN for event in group.events)
            if group.is_over or group.late or not begun:
                del self._groups[whose]
                self._over.add(whose)
                yield group.hand_over(self._numbers[whose[0]], 1)


def run(directory: Path, rings: dict[str, list[Entry]], source: random.Random) -> None:
    """One life of the collector, to the end of the script unless something is raised."""
    with Writer(directory, SETTINGS, clock=Clock(END_NS), timeout_s=0.2) as writer:
        collector = MiniCollector(writer, rings)
        while not collector.is_done:
            writer.commit(collector.read(source.randrange(1, 40)))
            collector.stored()
            writer.retain(END_NS)


def check(directory: Path, rings: dict[str, list[Entry]]) -> None:
    """Everything in the script is stored exactly once, and everything that counts it agrees."""
    with Reader(directory, clock=lambda: END_NS) as reader:
        stored = reader.requests(limit=10_000)
        lives = _lives(rings)
        assert sorted(each.trace_id for each in stored) == sorted(lives)
        assert reader.open_requests() == []
        for request in stored:
            life = lives[request.trace_id]
            assert reader.blob(request) == b"".join(entry.record for entry in life)
            counts = Counter(entry.event.type for entry in life)
            assert request.events == len(life)
            assert request.spans == 1 + counts[EventType.FUNCTION_ENTER]
            assert request.errors == counts[EventType.EXCEPTION]
            assert request.complete
        _check_counts(reader, lives)
    _check_tables(directory, lives)


def _lives(rings: dict[str, list[Entry]]) -> dict[str, list[Entry]]:
    found: dict[tuple[str, int], list[Entry]] = {}
    for uuid, ring in rings.items():
        for entry in ring:
            found.setdefault((uuid, entry.event.request), []).append(entry)
    return {fields.octets(life[0].event, "trace_id").hex(): life for life in found.values()}


def _check_counts(reader: Reader, lives: dict[str, list[Entry]]) -> None:
    with_errors = sum(any(entry.event.type is EventType.EXCEPTION for entry in life) for life in lives.values())
    sent = sum(fields.number(entry.event, "body_bytes_sent") for life in lives.values() for entry in life)
    (route,) = reader.routes(START_NS)
    assert (route.count, route.errors, route.bytes_out) == (len(lives), with_errors, sent)
    assert [route.count for route in reader.routes()] == [len(lives)]
    assert sum(group.count for group in reader.errors()) == with_errors
    tail, _ = reader.tail(Cursor(0))
    assert sorted(each.trace_id for each in tail) == sorted(lives)
    info = reader.info()
    assert (info.requests, info.open_requests, len(info.slices)) == (len(lives), 0, 3)


def _check_tables(directory: Path, lives: dict[str, list[Entry]]) -> None:
    """What no reader shows: attributes of every request, and nothing left of the open ones."""
    main = sqlite3.connect(directory / "main.db")
    for table in ("requests", "pieces", "attributes", "exceptions"):
        assert main.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    main.close()
    found: Counter[str] = Counter()
    for path in (directory / "slices").glob("*.db"):
        connection = sqlite3.connect(path)
        found.update(key for (key,) in connection.execute("SELECT key FROM attributes"))
        connection.close()
    said = {
        (trace_id, key, value)
        for trace_id, life in lives.items()
        for entry in life
        for key, value in fields.attributes(entry.event).items()
    }
    assert found == Counter(key for _, key, _ in said)
