"""What the C core writes, the Python twin reads, and the other way round; what one refuses, so does the other."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from scope import _core
from scope.model import Cut, DefinitionKind, Event, EventType, FunctionKind, ObjectName, Outcome, Redacted, SpanKind
from scope.wire.decode import decode_records
from scope.wire.definitions import decode_definition
from scope.wire.encode import encode_record
from scope.wire.errors import WireError
from scope.wire.ids import span_id
from scope.wire.layout import LOSS_REASONS, PAGE_BYTES
from scope.wire.segment import SegmentFile

from .golden.generate import HERE
from .segment_builder import BLOCK_BYTES, DEFINITIONS_BYTES, LANE_BYTES, HeaderFields, LaneWriter, build_segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ATTRIBUTES = {
    "null": None,
    "true": True,
    "false": False,
    "least": -(1 << 63),
    "beyond": 1 << 64,
    "widest": (1 << 2048) - 1,
    "wider": 1 << 2048,
    "infinite": -math.inf,
    "text": "naïve 東京",
    "surrogate": "a\udc80",
    "long": "x" * 300,
    "bytes": b"\x00\xff",
    "list": [1, ("two", [3.5])],
    "map": {"a": {"b": {}}},
    "object": object(),
    "password": "hunter2",
}
SEEN = {
    "wider": ObjectName("int"),
    "surrogate": "a\\udc80",
    "long": Cut("x" * 256, 300),
    "list": (1, ("two", (3.5,))),
    "object": ObjectName("object"),
    "password": Redacted(),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "1.seg"


@pytest.fixture
def session(path: Path) -> Iterator[_core.Session]:
    before = _core.get_session()
    session = _core.Session(
        str(path), lanes=2, first_lane_bytes=LANE_BYTES, lane_bytes=LANE_BYTES, definitions_bytes=DEFINITIONS_BYTES
    )
    _core.set_session(session)
    yield session
    _core.set_session(before)
    session.close()


def fail_at_odd(number: int) -> int:
    if number % 2:
        raise ValueError("odd")
    return number


def run_a_request() -> list[str | None]:
    """A request with a span, a function, marks and annotations; the ids of its spans as C has them."""
    headers = [(b"x-request-id", b"checkout-7")]
    scope = {"type": "http", "method": "GET", "path": "/ünï", "headers": headers, "http_version": "1.1"}
    request = _core.begin_request(scope, b"x-request-id", True)
    assert request is not None
    before = request.activate()
    site = _core.define_code("shop.prices", "Shop.price", "/srv/shop/prices.py", 31, FunctionKind.COROUTINE)
    probed = _core.Probe(fail_at_odd, site)
    with _core.Span("query", SpanKind.DATABASE, ATTRIBUTES) as span:
        ids = [request.span_id, span.span_id]
        _core.mark("bare")
        _core.mark("retry", attempt=2)
        _core.annotate(rows=7)
        probed(2)
        with pytest.raises(ValueError, match="odd"):
            probed(3)
    request.set_route("/{x}")
    request.deactivate(before)
    request.end(Outcome.DISCONNECTED)
    return ids


def test_request_that_c_wrote_is_read_whole(session: _core.Session, path: Path) -> None:
    ids = run_a_request()
    with SegmentFile(path) as segment:
        reading = segment.read(0)
        definitions = [decode_definition(entry) for entry in segment.definitions()]
        assert segment.header.uuid == UUID(session.uuid)
    apart = {EventType.BLOCK, EventType.EXCEPTION}  # an exception is described by Python, where that is set up
    events = [event for event in reading.events() if event.type not in apart]
    assert reading.damaged == 0
    assert [event.type for event in events] == [
        EventType.LANE,
        EventType.REQUEST_BEGIN,
        EventType.SPAN_BEGIN,
        EventType.MARK,
        EventType.MARK,
        EventType.ANNOTATION,
        EventType.FUNCTION_ENTER,
        EventType.FUNCTION_EXIT,
        EventType.FUNCTION_ENTER,
        EventType.FUNCTION_EXIT,
        EventType.SPAN_END,
        EventType.REQUEST_ROUTE,
        EventType.REQUEST_END,
    ]
    begun, span = events[1], events[2]
    assert (begun.payload["path"], begun.payload["correlation_id"], begun.payload["flags"]) == ("/ünï", "checkout-7", 1)
    assert begun.payload["attributes"] == {"network.protocol.version": "1.1"}
    assert span.payload == {"kind": SpanKind.DATABASE, "name": "", "attributes": ATTRIBUTES | SEEN}
    assert definitions[span.site - 1].name == "query"
    assert [event.payload["attributes"] for event in events[3:6]] == [{}, {"attempt": 2}, {"rows": 7}]
    function = definitions[events[6].site - 1]
    assert (function.kind, function.name, function.module) == (DefinitionKind.CODE, "Shop.price", "shop.prices")
    assert (function.file, function.line, function.function_kind) == ("/srv/shop/prices.py", 31, FunctionKind.COROUTINE)
    exits = [event.payload["outcome"] for event in events if event.type == EventType.FUNCTION_EXIT]
    assert exits == [Outcome.OK, Outcome.EXCEPTION]
    assert definitions[events[-2].site - 1].name == "/{x}"
    assert events[-1].payload["outcome"] == Outcome.DISCONNECTED
    root_id = begun.payload["root_span_id"]
    assert isinstance(root_id, int)
    assert ids == [f"{span_id(root_id, number):016x}" for number in (1, span.span)]


@pytest.mark.usefixtures("session")
def test_records_that_c_wrote_are_those_that_the_encoder_writes(path: Path) -> None:
    """Word for word, but for marks that C writes without the payload that says nothing."""
    run_a_request()
    with SegmentFile(path) as segment:
        records = segment.read(0).records
    for record in records:
        (event,) = decode_records(record.data)
        if len(record.data) > 32 or event.type != EventType.MARK:
            assert encode_record(event, record.position) == record.data


@pytest.mark.usefixtures("session")
def test_lapped_lane_that_c_wrote_is_read_from_its_first_safe_block(path: Path) -> None:
    for _ in range(60):
        run_a_request()
    with SegmentFile(path) as segment:
        reading, control = segment.read(0), segment.lane(0)
    assert control.intent > LANE_BYTES
    assert reading.damaged == 0
    assert reading.lapped_bytes == control.intent - LANE_BYTES
    assert reading.records[0].data[0] == EventType.BLOCK
    assert reading.records[-1].position + len(reading.records[-1].data) == control.tail


def blobs(path: Path) -> dict[int, list[Event]]:
    """What C's correlator makes of the segment: events by request key, those of no request by 0."""
    segment, correlator = _core.Segment(str(path)), _core.Correlator()
    slot = correlator.add(segment, 1)
    for _ in range(4):
        correlator.drain(slot)
    correlator.abort(slot)
    taken = [dict(zip(_core.SUMMARY_FIELDS, each, strict=True)) for each in correlator.take(1000)]
    outside = [event for _, _, records in correlator.take_process(slot) for event in decode_records(records)]
    correlator.remove(slot)
    segment.close()
    return {each["key"]: list(decode_records(each["blob"])) for each in taken} | {0: outside}


def test_segment_that_python_wrote_is_read_by_c_as_by_its_twin(path: Path) -> None:
    path.write_bytes((HERE / "segment.bin").read_bytes())
    with SegmentFile(path) as segment:
        events = [event for number in range(2) for event in segment.read(number).events()]
        definitions = segment.definitions()
    native = _core.Segment(str(path))
    assert native.definitions() == definitions
    assert native.losses() == dict(zip(LOSS_REASONS, (1, 2, 12, 4, 5, 6, 7, 9, 9), strict=True))
    native.close()
    by_key = blobs(path)
    ours = {EventType.LANE, EventType.GAP, EventType.BLOCK, EventType.FILL}
    for key in {event.request for event in events if event.type not in ours}:
        assert [event for event in by_key[key] if event.type not in ours] == [
            event for event in events if event.request == key and event.type not in ours
        ]


def test_reasons_of_loss_are_named_alike() -> None:
    assert LOSS_REASONS == _core.LOSS_REASONS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("magic", b"SCOPESEX"),
        ("ready", 0),
        ("abi_major", 1),
        ("incompatible", 1),
        ("file_bytes", PAGE_BYTES),
        ("header_bytes", 8192),
        ("lanes", 0),
        ("lanes", 3),
        ("lanes", 1025),
        ("block_bytes", 8192),
        ("block_bytes", 3 * BLOCK_BYTES),
        ("policy", 3),
        ("control_offset", 0),
        ("lane_controls_offset", 4096),
        ("lane_data_offset", 1 << 63),
        ("first_lane_bytes", BLOCK_BYTES),
        ("lane_bytes", 1 << 27),
        ("definitions_offset", 8192),
        ("definitions_bytes", 4104),
        ("clock_id", 7),
    ],
)
def test_header_that_the_twin_refuses_is_refused_by_c(path: Path, field: str, value: object) -> None:
    lanes = [LaneWriter(), LaneWriter()]
    path.write_bytes(build_segment(lanes))
    _core.Segment(str(path)).close()
    fields = HeaderFields(file_bytes=path.stat().st_size)
    setattr(fields, field, value)
    path.write_bytes(fields.page() + build_segment(lanes)[PAGE_BYTES:])
    with pytest.raises(WireError):
        SegmentFile(path)
    with pytest.raises(ValueError, match=r"1\.seg"):
        _core.Segment(str(path))


def test_newer_minor_version_is_accepted_by_both(path: Path) -> None:
    lanes = [LaneWriter(), LaneWriter()]
    fields = replace(HeaderFields(), abi_minor=9, compatible=1)
    path.write_bytes(build_segment(lanes, header=fields))
    _core.Segment(str(path)).close()
    with SegmentFile(path) as segment:
        assert segment.header.abi_minor == 9
