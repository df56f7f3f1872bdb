"""The writer: who writes, where it takes up again, and what it does not accept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scope.model import Definition, DefinitionKind, Event, EventType
from scope.store import Batch, Reader, SegmentInfo, StoreError, Writer
from scope.store.filter import parse
from scope.store.ingest import writer as writers
from scope.wire.definitions import encode_definition
from scope.wire.encode import encode_records
from tests.unit.store.kit import (
    DEFINITIONS,
    OTHER,
    SEGMENT,
    START_NS,
    Settings,
    annotation,
    failed,
    finish,
    open_writer,
    store,
    summary,
    unfinished,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scope.store import Summary


# --- segments ---


def test_a_segment_keeps_its_number(tmp_path: Path) -> None:
    with Writer(tmp_path, Settings()) as writer:
        first, second = writer.register(SEGMENT), writer.register(OTHER)
        assert first != second
        assert writer.register(replace(SEGMENT, service="renamed")) == first
    with Writer(tmp_path, Settings()) as writer:
        assert (writer.register(OTHER), writer.register(SEGMENT)) == (second, first)


def test_numbers_of_forgotten_segments_are_used_again_when_they_run_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "MAX_SEGMENTS", 3)
    with Writer(tmp_path, Settings()) as writer:
        numbers = [writer.register(SegmentInfo(f"{number:032x}", number)) for number in range(3)]
        assert numbers == [1, 2, 3]
        with pytest.raises(StoreError, match="knows 3 processes"):
            writer.register(SegmentInfo("f" * 32, 9))
        writer.drop_segment(2)
        writer._loaded().forget_segments()
        assert writer.register(SegmentInfo("f" * 32, 9)) == 2


def test_a_batch_of_an_unknown_segment_is_refused_whole(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        for batch in (
            Batch(finished=[summary(1), summary(2, segment=9)]),
            Batch(open=[unfinished(segment=9)]),
            Batch(finished=[summary(1)], heads={9: (1,)}),
            Batch(finished=[summary(1)], losses={9: {}}),
        ):
            with pytest.raises(ValueError, match="segment 9 is not registered"):
                writer.commit(batch)
        with Reader(tmp_path) as reader:
            assert reader.requests() == []


def test_a_summary_of_another_shape_is_refused(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer, pytest.raises(ValueError, match="a summary has 38 fields, not 37"):
        writer.commit(Batch(finished=[tuple(summary())[:-1]]))


# --- taking up again ---


def test_heads_and_definitions_are_restored(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(heads={1: (5, 0, (1 << 64) - 1), 2: ()}))
        writer.commit(Batch(heads={1: (6, 1, (1 << 64) - 1)}))
    with Writer(tmp_path, Settings()) as writer:
        restored = writer.restore()
    assert restored.heads == {SEGMENT.uuid: (6, 1, (1 << 64) - 1), OTHER.uuid: ()}
    assert restored.definitions == {SEGMENT.uuid: len(DEFINITIONS), OTHER.uuid: len(DEFINITIONS)}


def test_open_requests_are_restored_with_their_pieces_in_order(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[unfinished(7, blob=b"first", position=900), unfinished(3, segment=2, blob=b"")]))
        writer.commit(Batch(open=[unfinished(7, blob=b"second", position=100)]))
    with Writer(tmp_path, Settings()) as writer:
        found = {(request.segment, request.key): request.pieces for request in writer.restore().open}
    assert found == {(SEGMENT.uuid, 7): (b"first", b"second"), (OTHER.uuid, 3): ()}


def test_an_empty_batch_is_nothing(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch())
        assert writer.restore().open == ()


# --- definitions ---


def test_definitions_known_already_are_passed_over(tmp_path: Path) -> None:
    more = encode_definition(Definition(DefinitionKind.ROUTE, "/new"))
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(definitions={1: (2, [*DEFINITIONS[1:], more])}, finished=[summary(route=4)]))
        assert writer.restore().definitions[SEGMENT.uuid] == 4
    with Reader(tmp_path) as reader:
        (request,) = reader.requests()
        assert request.route == "/new"
        assert [each.name for each in reader.definitions_of(request)] == ["/items/{id}", "load", "render", "/new"]


def test_a_definition_that_comes_after_its_first_use_names_what_follows(tmp_path: Path) -> None:
    more = encode_definition(Definition(DefinitionKind.ROUTE, "/new"))
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1, route=4)]))
        writer.commit(Batch(finished=[summary(2, route=4)], definitions={1: (4, [more])}))
    with Reader(tmp_path) as reader:
        assert [request.route for request in reader.requests()] == ["/new", None]


def test_definitions_that_leave_a_gap_are_refused(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        with pytest.raises(ValueError, match="has 3 definitions stored: entry 5 cannot follow"):
            writer.commit(Batch(definitions={1: (5, DEFINITIONS)}, finished=[summary()]))
        writer.commit(Batch(finished=[summary()]))


def test_a_slice_begun_later_has_every_definition_too(tmp_path: Path) -> None:
    """One file copied elsewhere is enough to read it."""
    with open_writer(tmp_path, Settings(slice_s=1)) as writer:
        writer._clock.now_ns = START_NS + 10**11  # type: ignore[attr-defined]
        for second in (1, 2, 3):
            writer.commit(Batch(finished=[summary(second, start_ns=START_NS + second * 10**9, sites=(2, 3))]))
    with Reader(tmp_path) as reader:
        assert [len(reader.definitions_of(request)) for request in reader.requests()] == [3, 3, 3]


@pytest.mark.parametrize("entry", [b"", b"\x08\x00\x00\x00\x63\x00\x00\x00"])
def test_a_definition_that_breaks_the_format_names_nothing(tmp_path: Path, entry: bytes) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(
            Batch(definitions={1: (4, [entry])}, finished=[summary(route=4, route_text="/inline", sites=(4, 9))])
        )
    with Reader(tmp_path) as reader:
        (request,) = reader.requests()
        assert request.route == "/inline"
        assert reader.definitions_of(request)[3].name == ""


# --- records that were read before the beginning of their request ---


def headless(key: int, **fields: object) -> Summary:
    """What a request has written; its beginning is still to come, or was handed over long ago."""
    facts = {"kind": 0, "late": 1, "path": "", "method": "", "spans": 0, "position": 7, "notes": (annotation(a="b"),)}
    return unfinished(key, **{**facts, "events": 1, "blob": encode_records([EARLY], 7 * 8), **fields})


EARLY = Event(EventType.MARK, 5, 1, 1, payload={"name": "early", "attributes": {}})


def test_records_without_their_beginning_are_kept_and_not_listed(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[headless(1)]))
    with Reader(tmp_path) as reader:
        assert reader.open_requests() == reader.requests() == []
    with open_writer(tmp_path) as writer:
        (restored,) = writer.restore().open
        assert restored.pieces == (headless(1).blob,)
        writer.commit(Batch(finished=[summary(1, pieces=1, events=5)]))
        assert writer.restore().open == ()
    with Reader(tmp_path) as reader:
        (request,) = reader.requests()
        assert reader.blob(request) == headless(1).blob + summary(1).blob
        assert [each.id for each in reader.requests(parse("attr.a = b"))] == [request.id]


def test_records_without_a_beginning_that_came_late_are_added_to_their_request(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1)]))
        writer.commit(Batch(open=[headless(1)]))
        writer.commit(Batch(finished=[headless(1, state=1, pieces=1, blob=b"", notes=())]))
        assert writer.restore().open == ()
    with Reader(tmp_path) as reader:
        (request,) = reader.requests()
        assert (request.events, request.state) == (5, "done")
        assert reader.blob(request) == summary(1).blob + headless(1).blob
        assert len(reader.requests(parse("attr.a = b"))) == 1


def test_what_comes_late_in_the_batch_of_its_request_and_ends_in_another_is_added(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[unfinished(1)]))
        writer.commit(Batch(finished=[summary(1, pieces=1)], open=[headless(1)]))
        writer.commit(Batch(finished=[headless(1, state=1, pieces=1, blob=b"", notes=())]))
        assert writer.restore().open == ()
    with Reader(tmp_path) as reader:
        (request,) = reader.requests()
        assert request.events == 5
        assert reader.blob(request).endswith(headless(1).blob)


def test_records_without_a_beginning_outlive_the_file_of_their_segment(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1)]))
        writer.commit(Batch(open=[headless(1), headless(2)]))
        writer.drop_absent([])
        assert writer.restore().open == ()
    with Reader(tmp_path) as reader:
        assert [(each.kind, each.events) for each in reader.requests()] == [("http", 5), ("unknown", 1)]


# --- processes that are gone ---


def test_what_a_dropped_segment_left_open_is_stored_as_aborted(tmp_path: Path) -> None:
    cut = failed(5, state=0, sites=(2,), loop_wait_ns=3, thread_wait_ns=2, longest_step_ns=9)
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[cut, unfinished(6, segment=2)], heads={1: (1,), 2: (2,)}))
        writer.drop_segment(1)
        restored = writer.restore()
        assert [request.segment for request in restored.open] == [OTHER.uuid]
        assert list(restored.heads) == list(restored.definitions) == [OTHER.uuid]
    with Reader(tmp_path) as reader:
        aborted = reader.find("@last-error")
        assert (aborted.path, aborted.state, aborted.status, aborted.complete) == ("/items/5", "aborted", 500, False)
        assert aborted.duration_ns == 40_000
        assert (aborted.loop_wait_ns, aborted.thread_wait_ns, aborted.longest_step_ns) == (3, 2, 9)
        assert reader.blob(aborted) == summary(5).blob
        assert [group.count for group in reader.errors()] == [1]


def test_a_dropped_segment_can_come_back(tmp_path: Path) -> None:
    """Its file could not be removed, say, and the collector meets it again."""
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1)]))
        writer.drop_segment(1)
        assert writer.register(SEGMENT) == 1
        writer.commit(Batch(definitions={1: (1, DEFINITIONS)}, finished=[summary(1), summary(2)]))
    with Reader(tmp_path) as reader:
        assert [request.path for request in reader.requests()] == ["/items/2", "/items/1"]
        assert [segment.ended for segment in reader.info().segments] == [False, False]


def test_segments_whose_files_are_gone_are_dropped(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[unfinished(1), unfinished(2, segment=2)]))
        writer.drop_absent({OTHER.uuid})
        assert [request.segment for request in writer.restore().open] == [OTHER.uuid]
        writer.drop_absent([])
        assert writer.restore().open == ()
    with Reader(tmp_path) as reader:
        assert [request.state for request in reader.requests()] == ["aborted", "aborted"]


def test_dropping_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.drop_segment(77)


# --- values that no database takes ---


@pytest.mark.parametrize(
    "fields",
    [
        {"bytes_out": 1 << 64, "bytes_in": 1 << 63},
        {"path": "/\ud800", "id": "x\udfff"},
        {"span_id": 1 << 64 | 5, "remote_parent": -1},
        {"key": 1 << 44 | 6},
        {"events": 1 << 70, "end_ns": 1 << 65},
    ],
)
def test_a_summary_of_a_damaged_segment_keeps_nobody_from_being_stored(tmp_path: Path, fields: dict[str, Any]) -> None:
    with open_writer(tmp_path) as writer:
        strange = unfinished(9)._replace(**{**fields, "key": 9})
        writer.commit(Batch(finished=[summary(1), summary(5)._replace(**fields)], open=[strange]))
        writer.commit(Batch(finished=[finish(9), summary(10)]))
    with Reader(tmp_path) as reader:
        assert len(reader.requests()) == 4
        assert sum(route.count for route in reader.routes(START_NS)) == 4


def test_totals_that_no_server_can_have_sent_overflow_nothing(tmp_path: Path) -> None:
    huge = (1 << 63) - 1
    store(tmp_path, [summary(1, bytes_out=huge), summary(2, bytes_out=huge)], [summary(3, bytes_out=huge)])
    with Reader(tmp_path) as reader:
        (route,) = reader.routes(START_NS)
        assert route.bytes_out >= 1 << 53
        assert [request.bytes_out for request in reader.requests()] == [huge] * 3
