"""Whatever a segment file holds, C and its Python twin give the same verdict and the same records.

Segments are written soundly, then damaged where it hurts: in headers of records, in the lines of control, in
definitions, in the page that says how everything is laid out. What is not damaged: who owns a lane and what is stored
of it, of which C's reader makes nothing.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scope import _core
from scope.model import Event, EventType
from scope.wire.decode import decode_records
from scope.wire.definitions import decode_definition, encode_definition
from scope.wire.errors import WireError
from scope.wire.lane import Record
from scope.wire.layout import (
    DEFINITIONS_LINE_OFFSET,
    FIRST_EVENT_TYPE,
    FURTHEST,
    LANE_CONTROL_BYTES,
    LANE_WRITER_OFFSET,
    MINIMUM_BYTES,
    PAGE_BYTES,
    PREFIX,
    SEGMENT_HEADER,
    WORD_BYTES,
)
from scope.wire.segment import SegmentFile
from tests.properties.test_wire import DEFINITIONS, events
from tests.unit.wire.segment_builder import BLOCK_BYTES, LANE_BYTES, LaneWriter, build_segment

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Each example writes a file."""
KEY_MASK = (1 << 44) - 1
LANE_DATA = 4 * PAGE_BYTES
"""Offset of the first lane; what comes before are header, control page, lane controls and definitions, a page each."""

LONG = st.integers(3000, 16_000).map(
    lambda length: Event(EventType.ANNOTATION, 5, 3, 1, payload={"attributes": {"": bytes(length)}})
)
"""Events that fill blocks, so that lanes have several and are written round."""
WORDS = st.one_of(
    st.sampled_from([0, 1, 7, 8, 16, BLOCK_BYTES, BLOCK_BYTES + 8, LANE_BYTES, FURTHEST, FURTHEST + 8, (1 << 64) - 8]),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, 12).map(lambda blocks: blocks * BLOCK_BYTES),
)


# --- writing and damaging -------------------------------------------------------------------------------------------


class Image(bytes):
    """A file's bytes, told in few: ``Image(zlib.decompress(b64decode(...)))``."""

    def __repr__(self) -> str:
        return f"Image(zlib.decompress(b64decode({b64encode(zlib.compress(self))!r})))"


@dataclass(frozen=True)
class Written:
    """A sound segment, and where in the file its records begin."""

    image: Image
    records: tuple[int, ...]


@st.composite
def written(draw: st.DrawFn) -> Written:
    lanes = [LaneWriter(), LaneWriter()]
    places: list[int] = []
    for number, lane in enumerate(lanes):
        lane.own(7)
        for event in draw(st.lists(st.one_of(events(), LONG), max_size=9)):
            if event.type not in {EventType.BLOCK, EventType.FILL}:
                lane.write(event)
        places += {LANE_DATA + number * LANE_BYTES + position % LANE_BYTES for position, _ in lane.written}
    entries = [encode_definition(definition) for definition in draw(st.lists(DEFINITIONS, max_size=4))]
    return Written(Image(build_segment(lanes, entries)), tuple(sorted(places)))


def put(image: bytearray, place: int, data: bytes) -> None:
    image[place : place + len(data)] = data


@st.composite
def damaged(draw: st.DrawFn) -> Image:
    sound = draw(written())
    image = bytearray(sound.image)
    for kind in draw(st.lists(st.sampled_from(["type", "words", "any", "payload", "line", "definitions"]), max_size=4)):
        place = draw(st.sampled_from(sound.records)) if sound.records else LANE_DATA
        if kind == "type":
            image[place] = draw(st.integers(0, 255))
        elif kind == "words":
            put(image, place + 1, struct.pack("<H", draw(st.one_of(st.integers(0, 12), st.integers(0, 0xFFFF)))))
        elif kind == "payload":
            image[place + draw(st.integers(3, 90))] = draw(st.integers(0, 255))
        elif kind == "any":
            image[draw(st.integers(LANE_DATA, len(image) - 1))] ^= draw(st.integers(1, 255))
        elif kind == "line":
            line = 2 * PAGE_BYTES + draw(st.integers(0, 1)) * LANE_CONTROL_BYTES + LANE_WRITER_OFFSET
            put(image, line + 8 * draw(st.integers(0, 1)), struct.pack("<Q", draw(WORDS)))
        elif draw(st.booleans()):
            put(image, PAGE_BYTES + DEFINITIONS_LINE_OFFSET, struct.pack("<Q", draw(WORDS)))
        else:
            put(image, 3 * PAGE_BYTES + 4 * draw(st.integers(0, 40)), struct.pack("<I", draw(st.integers(0, 64))))
    return Image(image)


# --- what the twin finds --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What there is in a segment: the events of each request as their bytes, and how much is none."""

    requests: dict[int, list[bytes]]
    events: int
    stray: int
    malformed: int
    damaged: int
    definitions: list[bytes]
    definitions_damaged: bool


def key_of(record: bytes) -> int:
    header, _, low, *_ = PREFIX.unpack_from(record)
    return int(header >> 48 << 32 | low) & KEY_MASK


def is_whole(record: bytes) -> bool:
    """Whether its type is known and it has what the type always has."""
    return len(record) >= MINIMUM_BYTES.get(record[0], len(record) + 1)


def read_by_twin(path: Path) -> Found | None:
    """None where the segment is refused."""
    try:
        segment = SegmentFile(path)
    except WireError:
        return None
    told: list[Record] = []
    damage = 0
    with segment:
        for number in range(segment.header.lanes):
            try:
                reading = segment.read(number)
            except WireError:
                damage += 1
                continue
            told += reading.records
            damage += reading.damaged
        try:
            definitions, definitions_damaged = segment.definitions(), False
        except WireError:
            definitions, definitions_damaged = [], True
    records = [record.data for record in told if record.data[0] >= FIRST_EVENT_TYPE]
    whole = [record for record in records if is_whole(record)]
    requests: dict[int, list[bytes]] = defaultdict(list)
    for record in whole:
        requests[key_of(record)].append(record)
    stray = len(requests.pop(0, ()))
    malformed = len(records) - len(whole)
    return Found(dict(requests), len(records), stray, malformed, damage, definitions, definitions_damaged)


# --- what C finds ---------------------------------------------------------------------------------------------------


def split(blob: bytes) -> list[bytes]:
    """The records of a blob that are events."""
    records: list[bytes] = []
    while blob:
        size = int.from_bytes(blob[1:3], "little") * WORD_BYTES
        assert size > 0
        assert size >= MINIMUM_BYTES[blob[0]]
        records.append(blob[:size])
        blob = blob[size:]
    return [record for record in records if record[0] >= FIRST_EVENT_TYPE]


def read_by_core(path: Path) -> Found | None:
    """None where the segment is refused. Nothing but ValueError may say so."""
    try:
        segment = _core.Segment(str(path))
    except ValueError:
        return None
    correlator = _core.Correlator()
    slot = correlator.add(segment, 1)
    _, whole = correlator.drain(slot)
    assert whole
    damage = segment.statistics()["quarantined_blocks"]
    definitions = segment.definitions()
    correlator.abort(slot)
    rows = [dict(zip(_core.SUMMARY_FIELDS, row, strict=True)) for row in correlator.take(10_000)]
    counts = correlator.statistics()
    correlator.remove(slot)
    definitions_damaged = bool(segment.statistics()["definitions_damaged"])
    segment.close()
    requests = {row["key"]: split(row["blob"]) for row in rows}
    short_texts = sum(counts_as_malformed(record) for records in requests.values() for record in records)
    malformed = counts["malformed"] - short_texts
    return Found(requests, counts["events"], counts["stray"], malformed, damage, definitions, definitions_damaged)


def counts_as_malformed(record: bytes) -> bool:
    """A route that neither a definition nor a text names is kept, and counted."""
    if record[0] != EventType.REQUEST_ROUTE or PREFIX.unpack_from(record)[3]:
        return False
    text = record[PREFIX.size :]
    size = int.from_bytes(text[:2], "little")
    return not 0 < size <= len(text) - 2


def check_alike(image: bytes) -> Found | None:
    """Both find the same; what the twin says of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.seg"
        path.write_bytes(image)
        path.chmod(0o600)
        twin, core = read_by_twin(path), read_by_core(path)
    assert (twin is None) == (core is None)
    if twin is None or core is None:
        return None
    for name in ("requests", "events", "stray", "malformed", "damaged", "definitions_damaged"):
        assert getattr(core, name) == getattr(twin, name), name
    assert twin.definitions_damaged or core.definitions == twin.definitions
    return twin


# --- properties -----------------------------------------------------------------------------------------------------


@settings(UNHURRIED, max_examples=60)
@given(written())
def test_sound_segments_are_read_alike_and_without_damage(sound: Written) -> None:
    found = check_alike(sound.image)
    assert found is not None
    assert (found.damaged, found.malformed, found.definitions_damaged) == (0, 0, False)


@settings(UNHURRIED, max_examples=120)
@given(damaged())
def test_damaged_segments_are_read_alike(image: Image) -> None:
    found = check_alike(image)
    assert found is not None
    assert found.events <= len(image) // PREFIX.size


@settings(UNHURRIED, max_examples=100)
@given(st.integers(0, SEGMENT_HEADER.size - 1), st.integers(0, 255))
@example(171, 1)
@example(172, 1)
@example(130, 255)
@example(131, 255)
def test_damaged_headers_are_refused_alike(place: int, value: int) -> None:
    image = bytearray(build_segment([LaneWriter(), LaneWriter()]))
    image[place] = value
    check_alike(bytes(image))


@settings(UNHURRIED, max_examples=40)
@given(st.integers(0, 8 * PAGE_BYTES), st.booleans())
def test_files_of_another_length_are_refused_alike(length: int, longer: bool) -> None:
    image = build_segment([LaneWriter(), LaneWriter()])
    assert check_alike(image + bytes(length + 1) if longer else image[:length]) is None


@settings(UNHURRIED, max_examples=50)
@given(damaged())
def test_what_is_read_of_a_damaged_segment_decodes_or_says_that_it_does_not(image: Image) -> None:
    """Records of requests and definitions alike: nothing but WireError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.seg"
        path.write_bytes(image)
        found = read_by_core(path)
    assert found is not None
    for record in chain.from_iterable(found.requests.values()):
        check_error(record, lambda data: list(decode_records(data)))
    for entry in found.definitions:
        check_error(entry, decode_definition)


def check_error(data: bytes, decode: Callable[[bytes], object]) -> None:
    try:
        decode(data)
    except WireError as error:
        assert 0 <= error.offset <= len(data)  # noqa: PT017 - an error is allowed, not expected
