"""Writes the seed corpora of the fuzz targets, ``corpus/<target>/``, from what the product writes.

Run ``python -m tests.core.fuzz.make_corpus`` from the top of the checkout after a change of the format: seeds of an
older one are refused at the header, and mutants of them get no further. Inputs named ``found-*`` were found by fuzzing
or by hand and stay; everything else is written anew.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from scope import _core
from scope.model import Event, EventType
from scope.wire.definitions import encode_definition
from scope.wire.encode import encode_record
from scope.wire.layout import DEFINITIONS_LINE, DEFINITIONS_LINE_OFFSET, LANE_WRITER, LANE_WRITER_OFFSET, PAGE_BYTES
from scope.wire.segment import SegmentFile
from tests.unit.wire.golden.generate import golden_segment
from tests.unit.wire.samples import DEFINITIONS, EVENTS
from tests.unit.wire.segment_builder import LaneWriter, build_segment

CORPUS: Final = Path(__file__).parent / "corpus"
LATER: Final = 1 << 31
"""Of a piece's place: it is written while the segment is read. As in fuzz_segment.c."""

FEED, LOSE, PASS, ABORT, SWEEP, TAKE_FINISHED, TAKE_OPEN, COME, GO, RESTORE = 0, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""The steps of fuzz_records.c, and how many there are."""
STEPS: Final = 11


# --- segments -------------------------------------------------------------------------------------------------------


def pieces(image: bytes) -> Iterator[tuple[int, bytes]]:
    """What of ``image`` is not zero, and where; a few zeroes within a piece cost less than a new one."""
    start = 0
    while start < len(image):
        if not image[start]:
            start += 1
            continue
        end = image.find(bytes(12), start)
        end = len(image) if end < 0 else end
        yield from ((at, image[at : min(at + 0xFFFF, end)]) for at in range(start, end, 0xFFFF))
        start = end


def packed(image: bytes, later: Iterable[tuple[int, bytes]] = ()) -> bytes:
    """``image`` as fuzz_segment.c takes it, with ``later`` written to it while it is read."""
    told = [*pieces(image), *((place | LATER, data) for place, data in later)]
    return struct.pack("<I", len(image) - 1) + b"".join(
        struct.pack("<IH", place, len(data)) + data for place, data in told
    )


def unpacked(packed_image: bytes) -> bytes:
    """The file that a seed stands for, as it is first read."""
    image = bytearray(struct.unpack_from("<I", packed_image)[0] + 1)
    offset = 4
    while offset < len(packed_image):
        place, size = struct.unpack_from("<IH", packed_image, offset)
        data = packed_image[offset + 6 : offset + 6 + size]
        if place < LATER:
            image[place : place + len(data)] = data
        offset += 6 + size
    return bytes(image)


def recorded_segment() -> bytes:
    """What the core writes of a request with a span, a mark, an annotation and an exception."""
    scope = {"type": "http", "method": "GET", "path": "/a", "headers": [(b"x-request-id", b"seed-1")]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.seg"
        session = _core.Session(
            str(path), lanes=2, first_lane_bytes=1 << 15, lane_bytes=1 << 15, definitions_bytes=PAGE_BYTES
        )
        before = _core.get_session()
        _core.set_session(session)
        try:
            request = _core.begin_request(scope, b"x-request-id", True)
            assert request is not None
            active = request.activate()
            with _core.Span("query", 8, {"db.system.name": "sqlite"}):
                _core.mark("retry", attempt=2)
            _core.annotate(rows=7, secret=b"\0", tree={"a": [1, 2.5, None]})
            request.deactivate(active)
            request.set_route("/{x}")
            request.end(0)
        finally:
            _core.set_session(before)
            session.close()
        return path.read_bytes()


def small_lane(events: Iterable[Event]) -> LaneWriter:
    lane = LaneWriter()
    lane.own(7)
    for event in events:
        lane.write(event)
    return lane


def lapped_lane() -> LaneWriter:
    """Written round, mostly with zeroes, which cost nothing here."""
    filler = {"attributes": {"": bytes(6000)}}
    return small_lane(Event(EventType.ANNOTATION, 1, 7, 1, payload=filler) for _ in range(11))


def segments() -> Iterator[tuple[str, bytes]]:
    records = [event for event in EVENTS if event.type not in {EventType.FILL, EventType.BLOCK}]
    entries = [encode_definition(definition) for definition in DEFINITIONS]
    whole = build_segment([small_lane(records), LaneWriter()], entries)
    tail = LANE_WRITER.pack((1 << 20) + 64, 1 << 20, 3)
    yield "valid-recorded", packed(recorded_segment())
    yield "valid-samples", packed(whole)
    yield "valid-lapped", packed(build_segment([lapped_lane(), small_lane(records[:3])]))
    yield "valid-empty", packed(build_segment([LaneWriter()]))
    yield "scribbled-tail", packed(whole, [(2 * PAGE_BYTES + LANE_WRITER_OFFSET, tail)])
    yield "scribbled-records", packed(whole, [(3 * PAGE_BYTES + PAGE_BYTES + 64, bytes(64))])
    line = DEFINITIONS_LINE.pack(PAGE_BYTES + 8, 9)
    yield "scribbled-definitions", packed(whole, [(PAGE_BYTES + DEFINITIONS_LINE_OFFSET, line)])
    yield "short", packed(golden_segment()[:PAGE_BYTES])


# --- records --------------------------------------------------------------------------------------------------------


def step(number: int, slot: int = 0, *rest: int) -> bytes:
    return bytes((number + STEPS * slot, *rest))


def fed(records: Iterable[bytes], slot: int = 0, lane: int = 0) -> bytes:
    return b"".join(step(FEED, slot, lane) + record for record in records)


def recorded() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.seg"
        path.write_bytes(recorded_segment())
        with SegmentFile(path) as segment:
            return [record.data for record in segment.read(0).records if record.data[0] != EventType.BLOCK]


def streams() -> Iterator[tuple[str, bytes]]:
    samples = [encode_record(event) for event in EVENTS if event.type not in {EventType.FILL, EventType.BLOCK}]
    life = recorded()
    two_passes = step(PASS) * 2
    yield "request", fed(life) + two_passes + step(TAKE_FINISHED)
    yield "samples", fed(samples) + two_passes + step(TAKE_FINISHED)
    yield "two-lanes", fed(life[:4], 0, 0) + fed(life[4:], 0, 1) + two_passes + step(TAKE_OPEN) + step(TAKE_FINISHED)
    yield "lossy", fed(life[:5]) + step(LOSE, 0, 0, 3, 0, 1) + fed(life[5:]) + step(SWEEP, 0, 90) + step(TAKE_FINISHED)
    yield "flushed", fed(life[:5]) + two_passes + step(TAKE_OPEN) + fed(life[5:]) + step(ABORT) + step(TAKE_FINISHED)
    yield "late", fed(life[3:]) + step(PASS) * 3 + step(SWEEP, 0, 90) + step(TAKE_FINISHED)
    blob = b"".join(life)[:500]
    restored = step(RESTORE, 1) + struct.pack("<HH", 1, len(blob)) + blob
    yield "restored", step(COME, 1) + restored + fed(life[-2:], 1) + step(ABORT, 1) + step(GO, 1) + step(TAKE_FINISHED)


# --- texts ----------------------------------------------------------------------------------------------------------

HEADERS: Final = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "traceparent-later": "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what",
    "traceparent-zero": "00-00000000000000000000000000000000-b7ad6b7169203331-01",
    "tracestate": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    "request-id": "checkout-7_a.b:c~d+e/f=g@h",
    "uuid": "7f1b5e1e-3c1c-4f6e-9a53-0f1d2c3b4a59",
}
NAMES: Final = (
    "password",
    "X-Api-Key",
    "accessToken",
    "token_count",
    "has_password",
    "session.id",
    "AWSSecretAccessKey",
)
TEXTS: Final = {
    "json": '{"user": "bob", "api_key": "abc123def456", "nested": {"password": "hunter2"}}',
    "query": "https://bob:hunter2@example.com/path?token=abc&x=1&access_token=%3Dzzz",
    "headers": "Authorization: Bearer abc.def.ghi\nCookie: a=b; session=zzz\nX-Api-Key: 12345678901",
    "tuples": "[(b'cookie', b'a=b'), (b'authorization', b'Basic dXNlcjpwYXNz')]",
    "card": "paid with 4111 1111 1111 1111 and 5555-5555-5555-4444",
    "sql": "CREATE USER bob IDENTIFIED BY 'hunter2'; ALTER ROLE x PASSWORD \"a'b\"",
    "token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln",
    "pem": "-----BEGIN " + "PRIVATE KEY-----\nMIIB\n-----END " + "PRIVATE KEY-----",
    "keys": "AKIA" + "IOSFODNN7EXAMPLE " + "gh" + "p_abcdefghijklmnopqrstuvwxyz0123456789 " + "xox" + "b-1234-abcd",
    "mail": "from bob@example.com to ünï@exämple.org",
}


def corpora() -> Iterator[tuple[str, str, bytes]]:
    """Every seed: its target, its name, its bytes."""
    yield from (("segment", name, data) for name, data in segments())
    yield from (("records", name, data) for name, data in streams())
    yield from (("headers", name, text.encode()) for name, text in HEADERS.items())
    yield from (("names", name, b"\0" + name.encode()) for name in NAMES)
    yield ("names", "stretched", b"\xf0" + NAMES[-1].encode())
    yield from (("redact", name, b"\1\x20" + text.encode()) for name, text in TEXTS.items())
    yield ("redact", "stretched", b"\xf1\x20" + TEXTS["json"].encode())


def write(folder: Path) -> None:
    """Write all seeds below ``folder``; what was found by fuzzing stays there."""
    for old in folder.glob("*/*"):
        if not old.name.startswith("found-"):
            old.unlink()
    for target, name, data in corpora():
        (folder / target).mkdir(parents=True, exist_ok=True)
        (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    write(CORPUS)
