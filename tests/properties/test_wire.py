"""Whatever is written comes back; whatever bytes there are give events or an error; whatever events, a tree."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from scope.model import (
    Cut,
    Definition,
    DefinitionKind,
    Event,
    EventType,
    Frame,
    FunctionKind,
    Instance,
    ObjectName,
    Part,
    Redacted,
    RequestSummary,
)
from scope.store.assemble import assemble
from scope.wire.decode import decode_records
from scope.wire.definitions import decode_definition, encode_definition
from scope.wire.encode import encode_record, encode_records
from scope.wire.errors import WireError
from scope.wire.ids import span_id
from scope.wire.segment import SegmentFile
from tests.unit.wire.segment_builder import LANE_BYTES, LaneWriter, build_segment

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from scope.model import Span, Trace

_T = TypeVar("_T")
U8, U16, U32, U64 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32, 64))
TEXT = st.text(max_size=20)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 80), 1 << 80),
    st.floats(allow_nan=False),
    TEXT,
    st.binary(max_size=20),
    st.builds(Cut, TEXT, U32),
    st.just(Redacted()),
    st.builds(ObjectName, TEXT),
)


def nested(inner: SearchStrategy[object]) -> SearchStrategy[object]:
    lists, maps = st.lists(inner, max_size=3).map(tuple), st.dictionaries(TEXT, inner, max_size=3)
    parts = st.builds(Part, st.one_of(lists, maps), st.integers(4, (1 << 32) - 1))
    return st.one_of(lists, maps, parts, st.builds(Instance, TEXT, maps, st.booleans()))


VALUES = st.one_of(SCALARS, nested(SCALARS), nested(st.one_of(SCALARS, nested(SCALARS))))
ATTRIBUTES = st.dictionaries(TEXT, VALUES, max_size=3)
FRAMES = st.lists(st.builds(Frame, TEXT, TEXT, U32, st.booleans()), max_size=3).map(tuple)
PAYLOADS: Mapping[EventType, Mapping[str, SearchStrategy[object]]] = {
    EventType.REQUEST_BEGIN: {
        "trace_id": st.binary(min_size=16, max_size=16),
        "root_span_id": U64,
        "remote_parent_id": U64,
        "kind": U8,
        "flags": U8,
        "method": TEXT,
        "path": TEXT,
        "correlation_id": TEXT,
        "attributes": ATTRIBUTES,
    },
    EventType.RESPONSE_START: {"status": U32, "flags": U32},
    EventType.RESPONSE_END: {"body_bytes_sent": U64, "messages_sent": U64},
    EventType.REQUEST_END: {
        "outcome": U8,
        "body_bytes_received": U64,
        "messages_received": U64,
        "messages_sent": U64,
        "body_bytes_sent": U64,
    },
    EventType.DISCONNECT: {},
    EventType.SPAN_BEGIN: {"kind": U8, "name": TEXT, "attributes": ATTRIBUTES},
    EventType.SPAN_END: {"outcome": U8, "attributes": ATTRIBUTES},
    EventType.FUNCTION_ENTER: {},
    EventType.MARK: {"name": TEXT, "attributes": ATTRIBUTES},
    EventType.VALUES: {"what": U8, "left_out": U16, "line": U32, "attributes": ATTRIBUTES},
    EventType.LINES: {"left_out": U32, "lines": st.lists(st.tuples(U32, U32, U64), max_size=3).map(tuple)},
    EventType.ANNOTATION: {"attributes": ATTRIBUTES},
    EventType.EXCEPTION: {"flags": U8, "type": TEXT, "message": TEXT, "frames": FRAMES},
}


def long_lists(item: SearchStrategy[_T], longest: int) -> SearchStrategy[list[_T]]:
    """Lists of every length alike; lists as they come are mostly short."""
    return st.integers(0, longest).flatmap(lambda length: st.lists(item, min_size=length, max_size=length))


def events_of(
    kind: EventType, spans: SearchStrategy[int], times: SearchStrategy[int], sites: SearchStrategy[int]
) -> SearchStrategy[Event]:
    payload = st.fixed_dictionaries(dict(PAYLOADS[kind]))
    return st.builds(Event, st.just(kind), times, st.integers(0, (1 << 48) - 1), spans, spans, sites, payload)


def events(
    spans: SearchStrategy[int] = U32, times: SearchStrategy[int] = U64, sites: SearchStrategy[int] = U32
) -> SearchStrategy[Event]:
    """Any event that can be decoded."""
    keys = st.integers(0, (1 << 48) - 1)
    lanes = st.fixed_dictionaries({"thread_id": U32, "generation": U32, "thread_name": TEXT})
    return st.one_of(
        *(events_of(kind, spans, times, sites) for kind in PAYLOADS),
        st.builds(lambda event: event, st.just(Event(EventType.FILL, 0))),
        st.builds(lambda number: Event(EventType.BLOCK, 0, payload={"sequence": number}), U64),
        st.builds(lambda time_ns, payload: Event(EventType.LANE, time_ns, payload=payload), times, lanes),
        st.builds(
            lambda time_ns, lost, reason: Event(EventType.GAP, time_ns, payload={"lost": lost, "reason": reason}),
            times,
            U64,
            U64,
        ),
        st.builds(
            lambda time_ns, key, span, site, outcome: Event(
                EventType.FUNCTION_EXIT, time_ns, key, span, 0, site, {"outcome": outcome}
            ),
            times,
            keys,
            spans,
            sites,
            U32,
        ),
        st.builds(
            lambda time_ns, key, span, template: Event(
                EventType.REQUEST_ROUTE, time_ns, key, span, payload={"template": template}
            ),
            times,
            keys,
            spans,
            TEXT,
        ),
    )


DEFINITIONS = st.one_of(
    st.builds(Definition, st.sampled_from([DefinitionKind.NAME, DefinitionKind.ROUTE]), TEXT),
    st.builds(Definition, st.just(DefinitionKind.CODE), TEXT, TEXT, TEXT, U32, st.sampled_from(FunctionKind)),
    st.builds(Definition, st.just(DefinitionKind.RESOURCE), st.just(""), attributes=ATTRIBUTES),
)


# --- round trips ----------------------------------------------------------------------------------------------------


@given(st.lists(events(), max_size=8), U64)
def test_events_come_back_as_they_were_wherever_they_stood(written: list[Event], position: int) -> None:
    assert list(decode_records(encode_records(written, position))) == written


@given(DEFINITIONS)
def test_definitions_come_back_as_they_were(definition: Definition) -> None:
    assert decode_definition(encode_definition(definition)) == definition


# --- any bytes ------------------------------------------------------------------------------------------------------


def decode_all(data: bytes) -> list[Event]:
    """Events up to the first error; anything but events and WireError fails the test."""
    decoded: list[Event] = []
    try:
        decoded.extend(decode_records(data))
    except WireError as error:
        assert 0 <= error.offset <= len(data)  # noqa: PT017 - an error is allowed, not expected
    return decoded


def count_values(value: object) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(map(count_values, value.values()))
    return 1 + sum(map(count_values, value)) if isinstance(value, tuple) else 1


@given(st.binary(max_size=400))
def test_any_bytes_give_events_or_an_error(data: bytes) -> None:
    decode_all(data)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Records with some of their bytes changed, which goes deeper than bytes at random."""
    data = bytearray(encode_records(draw(st.lists(events(), min_size=1, max_size=4))))
    for _ in range(draw(st.integers(1, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(U8)
    return bytes(data)


@given(damaged())
def test_damaged_records_give_events_or_an_error_and_no_more_than_their_bytes_can_hold(data: bytes) -> None:
    """No length found in the bytes makes more work or more memory than there are bytes."""
    decoded = decode_all(data)
    assert len(decoded) <= len(data) // 8
    assert sum(count_values(event.payload) for event in decoded) <= 16 * len(data)


@given(st.binary(max_size=80))
def test_any_entry_is_a_definition_or_an_error(entry: bytes) -> None:
    try:
        decode_definition(entry)
    except WireError as error:
        assert 0 <= error.offset <= len(entry)  # noqa: PT017 - an error is allowed, not expected


# --- rings ----------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(long_lists(st.integers(0, 6000), 40), st.data())
def test_lane_gives_exactly_what_no_writer_can_have_touched(lengths: list[int], data: st.DataObject) -> None:
    """Against the list of what was written: from the stored position, or the first safe one, to the end, in order."""
    lane = LaneWriter()
    for time_ns, length in enumerate(lengths):
        payload = {"attributes": {"text": "x" * length}}
        lane.write(Event(EventType.ANNOTATION, time_ns, 1, 1, payload=payload))
    positions = [position for position, _ in lane.written]
    lane.head = data.draw(st.sampled_from([0, *positions, lane.tail]))
    first = max(lane.head, lane.intent - LANE_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.seg"
        path.write_bytes(build_segment([lane]))
        with SegmentFile(path) as segment:
            reading = segment.read(0)
    assert [(record.position, record.data) for record in reading.records] == [
        (position, encode_record(event, position)) for position, event in lane.written if position >= first
    ]
    assert (reading.lapped_bytes, reading.damaged) == (first - lane.head, 0)


# --- trees ----------------------------------------------------------------------------------------------------------

ROOT_ID = 0xB7AD6B7169203331
FEW = st.integers(0, 12)
"""Few spans, times and sites, so that events meet."""
SITES = (Definition(DefinitionKind.NAME, "a"), Definition(DefinitionKind.CODE, "b", "m", "m.py", 3))
SUMMARIES = st.builds(
    RequestSummary,
    id=TEXT,
    trace_id=TEXT,
    span_id=st.sampled_from([f"{ROOT_ID:016x}", f"{ROOT_ID:016x}", ""]),
    remote_parent_id=st.none(),
    kind=st.sampled_from(["http", "websocket", "lifespan", "task", ""]),
    method=st.sampled_from(["GET", ""]),
    path=TEXT,
    route=st.one_of(st.none(), TEXT),
    status=st.one_of(st.none(), st.sampled_from([200, 404, 500])),
    state=st.sampled_from(["open", "done", "aborted"]),
    outcome=st.sampled_from(["ok", "exception", "cancelled", "disconnected"]),
    start_ns=FEW,
    first_byte_ns=st.none(),
    duration_ns=FEW,
    background_ns=FEW,
    error=st.one_of(st.none(), TEXT),
    spans=FEW,
    events=FEW,
    errors=FEW,
    lost=FEW,
    complete=st.booleans(),
    tracing_ns=FEW,
    bytes_in=FEW,
    bytes_out=FEW,
    messages_in=FEW,
    messages_out=FEW,
    pid=FEW,
    service=TEXT,
)
BEGUN = events_of(EventType.FUNCTION_ENTER, FEW, FEW, FEW)
NAMED = {EventType.SPAN_BEGIN, EventType.SPAN_END, EventType.FUNCTION_ENTER, EventType.FUNCTION_EXIT}


def check_tree(trace: Trace) -> list[Span]:
    """The spans, each after its parent and once; every one below the root, in order of start among its siblings."""
    seen: dict[str, Span] = {}
    for depth, span in trace.spans():
        assert (depth == 0) == (span.parent_id is None)
        assert span.parent_id is None or span.parent_id in seen
        assert span.span_id not in seen
        seen[span.span_id] = span
        assert all(child.parent_id == span.span_id for child in span.children)
        starts = [child.start_ns for child in span.children]
        assert starts == sorted(starts)
        assert span.duration_ns is None or span.duration_ns >= 0
    return list(seen.values())


@given(SUMMARIES, long_lists(st.one_of(events(FEW, FEW, FEW), BEGUN, BEGUN), 40), st.integers(-(1 << 62), 1 << 62))
def test_any_events_make_a_tree_that_holds_every_span_once(
    request: RequestSummary, told: list[Event], offset_ns: int
) -> None:
    spans = check_tree(assemble(request, told, SITES, offset_ns))
    root_id = ROOT_ID if request.span_id else 0
    expected = {f"{span_id(root_id, event.span):016x}" for event in told if event.span > 1 and event.type in NAMED}
    assert expected <= {span.span_id for span in spans}


@given(SUMMARIES, st.binary(max_size=400))
def test_any_bytes_that_decode_make_a_tree(request: RequestSummary, data: bytes) -> None:
    check_tree(assemble(request, decode_all(data), SITES, 0))


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    """Parents of the spans 2, 3, ..., each begun before its children; the lanes they run in; an order of collection."""
    count = draw(st.integers(0, 25))
    parents = [draw(st.integers(1, number + 1)) for number in range(count)]
    lanes = [draw(st.integers(0, 2)) for _ in range(count)]
    turns = draw(st.permutations([lane for lane in lanes for _ in range(2)]))
    return parents, lanes, list(turns)


@given(SUMMARIES, runs())
def test_tree_is_the_one_that_was_run_however_its_lanes_were_collected(
    request: RequestSummary, run: tuple[list[int], list[int], list[int]]
) -> None:
    """Against a naive model, in which each span knows its parent; a lane's records keep their order."""
    parents, lanes, turns = run
    rings: list[list[Event]] = [[], [], []]
    for number, (parent, lane) in enumerate(zip(parents, lanes, strict=True), 2):
        rings[lane].append(Event(EventType.FUNCTION_ENTER, 10 * number, 1, number, parent, 2))
        rings[lane].append(Event(EventType.FUNCTION_EXIT, 10 * number + 5, 1, number, 0, 2, {"outcome": 0}))
    told: list[Event] = []
    for lane in turns:
        name = {"thread_id": lane, "generation": 1, "thread_name": f"thread-{lane}"}
        told += [Event(EventType.LANE, 0, payload=name), rings[lane].pop(0)]
    root_id = ROOT_ID if request.span_id else 0
    ids = [request.span_id, *(f"{span_id(root_id, number + 2):016x}" for number in range(len(parents)))]
    spans = check_tree(assemble(request, told, SITES, 0))[1:]
    assert {span.span_id: (span.parent_id, span.thread, span.duration_ns) for span in spans} == {
        ids[index]: (ids[parent - 1], f"thread-{lane}", 5)
        for index, (parent, lane) in enumerate(zip(parents, lanes, strict=True), 1)
    }
