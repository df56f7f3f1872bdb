"""One request whole: its records, its definitions and its tree."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from scope.model import Event, EventType, LeftOut
from scope.store import Batch, NotFound, Reader
from scope.wire.encode import encode_records
from tests.unit.store.kit import (
    HOUR_NS,
    LOAD,
    OFFSET_NS,
    START_NS,
    Clock,
    begun,
    ended,
    finish,
    lane,
    open_writer,
    store,
    summary,
    unfinished,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_trace_is_assembled_from_the_records(tmp_path: Path) -> None:
    start_ns = START_NS + 1_000_000
    now = start_ns - OFFSET_NS
    call = [
        Event(EventType.FUNCTION_ENTER, now + 10_000, 1, 2, 1, LOAD),
        Event(EventType.FUNCTION_EXIT, now + 14_000, 1, 2, payload={"outcome": 0}),
    ]
    records = encode_records([*begun(1, start_ns), *call, *ended(1, start_ns)])
    store(tmp_path, [summary(1, blob=records, sites=(LOAD,), spans=2)])
    with Reader(tmp_path) as reader:
        (request,) = reader.requests()
        assert reader.blob(request) == records
        trace = reader.trace(request)
    assert trace.request == request
    assert (trace.root.name, trace.root.start_ns, trace.root.thread) == ("GET /items/{id}", start_ns, "MainThread")
    (span,) = trace.root.children
    assert (span.name, span.start_ns, span.duration_ns) == ("load", start_ns + 10_000, 4_000)
    assert (span.file, span.line) == ("/srv/shop/items.py", 12)


def test_a_trace_without_its_beginning_starts_with_what_there_is(tmp_path: Path) -> None:
    start_ns = START_NS + 1_000_000
    rest = encode_records(ended(1, start_ns))
    first_ns = start_ns + 30_000
    store(tmp_path, [summary(1, kind=0, start_ns=first_ns, response_end_ns=0, end_ns=first_ns + 20_000, blob=rest)])
    with Reader(tmp_path) as reader:
        root = reader.trace(reader.requests()[0]).root
    assert (root.start_ns, root.duration_ns) == (first_ns, 20_000)


@pytest.mark.parametrize("records", [b"", b"\xff" * 64, summary(1).blob + b"\xff" * 64])
def test_records_that_break_the_format_end_the_trace_there(tmp_path: Path, records: bytes) -> None:
    store(tmp_path, [summary(1, blob=records)])
    with Reader(tmp_path) as reader:
        (request,) = reader.requests()
        assert reader.trace(request).root.name == "GET /items/{id}"


def test_a_request_listed_as_open_is_found_where_it_has_gone_since(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer, Reader(tmp_path) as reader:
        writer.commit(Batch(open=[unfinished(1)]))
        (request,) = reader.open_requests()
        assert reader.blob(request) == unfinished(1).blob
        assert len(reader.definitions_of(request)) == 3
        writer.commit(Batch(finished=[summary(1, blob=b"", pieces=1)]))
        assert reader.trace(request).request.state == "done"
        assert reader.blob(request) == unfinished(1).blob


def test_a_request_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    store(tmp_path / "one", [summary(1)])
    store(tmp_path / "two", [summary(2)])
    with Reader(tmp_path / "one") as one, Reader(tmp_path / "two") as two:
        (request,) = one.requests()
        for method in (two.trace, two.blob, two.definitions_of):
            with pytest.raises(NotFound, match=f"request {request.id} is no longer stored"):
                method(request)


def test_a_slice_alone_is_enough_to_read_its_requests(tmp_path: Path) -> None:
    """Copied beside the main.db of an empty store, which lists it."""
    with open_writer(tmp_path / "whole", clock=Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[summary(1), summary(2, start_ns=START_NS + HOUR_NS)]))
    with open_writer(tmp_path / "part") as writer:
        writer._main.execute("INSERT INTO slices VALUES (?, ?, 1)", (START_NS, START_NS + HOUR_NS))
    shutil.copy(tmp_path / "whole" / "slices" / f"{START_NS}.db", tmp_path / "part" / "slices")
    with Reader(tmp_path / "part") as reader:
        (request,) = reader.requests()
        assert (request.path, request.pid) == ("/items/1", 4711)
        assert reader.trace(request).root.name == "GET /items/{id}"


def test_a_request_in_many_pieces_is_read_piece_by_piece_whatever_its_state(tmp_path: Path) -> None:
    start_ns = START_NS + 1_000_000
    now = start_ns - OFFSET_NS

    def calls(first: int) -> bytes:
        pairs = (
            (
                Event(EventType.FUNCTION_ENTER, when, 1, number, 1, LOAD),
                Event(EventType.FUNCTION_EXIT, when + 1, 1, number),
            )
            for number, when in ((first + each, now + 10 * (first + each)) for each in range(10))
        )
        return encode_records([lane(now), *(event for pair in pairs for event in pair)])

    with open_writer(tmp_path) as writer, Reader(tmp_path) as reader:
        writer.commit(Batch(open=[unfinished(1)]))
        writer.commit(Batch(open=[unfinished(1, blob=calls(2), pieces=1, position=1000)]))
        whole = reader.trace(reader.requests()[0])
        assert len(whole.root.children) == 10
        writer.commit(Batch(finished=[finish(1, blob=calls(12), pieces=2, position=2000)]))
        (request,) = reader.requests()
        whole, few = reader.trace(request), reader.trace(request, limit=4)
    assert (len(whole.root.children), whole.left_out) == (20, LeftOut())
    assert few.root.children == whole.root.children[:4]
    assert (few.root.spans_left_out, few.left_out) == (16, LeftOut(spans=16))
