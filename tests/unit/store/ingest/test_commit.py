"""A batch: what of it is stored, and what was stored before."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from scope.store import Batch, Cursor, Reader
from scope.store.ingest import ingest
from scope.wire.encode import encode_records
from tests.unit.store.kit import (
    HOUR_NS,
    START_NS,
    Clock,
    Settings,
    annotation,
    ended,
    exception,
    failed,
    finish,
    open_writer,
    store,
    summary,
    unfinished,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scope.model import RequestSummary
    from scope.store import Summary


def paths(directory: Path) -> list[str]:
    with Reader(directory) as reader:
        return [request.path for request in reader.requests(limit=100)]


def the_one(directory: Path) -> RequestSummary:
    with Reader(directory) as reader:
        (request,) = reader.requests()
        return request


def test_every_field_is_stored(tmp_path: Path) -> None:
    given = summary(
        5,
        flags=3,
        id="order-77",
        remote_parent=(1 << 64) - 2,
        status=404,
        outcome=3,
        end_ns=START_NS + 5_000_000 + 90_000,
        events=9,
        spans=4,
        errors=2,
        lost=1,
        complete=0,
        bytes_in=11,
        messages_in=3,
        sites=(2, 3),
    )
    store(tmp_path, [given])
    found = the_one(tmp_path)
    assert (found.id, found.trace_id, found.span_id) == ("order-77", f"{5:032x}", "a000000000000005")
    assert found.remote_parent_id == "fffffffffffffffe"
    assert (found.kind, found.method, found.path, found.route) == ("http", "GET", "/items/5", "/items/{id}")
    assert (found.status, found.state, found.outcome, found.error) == (404, "done", "disconnected", None)
    assert (found.start_ns, found.first_byte_ns) == (given.start_ns, given.start_ns + 30_000)
    assert (found.duration_ns, found.background_ns) == (40_000, 50_000)
    assert (found.spans, found.events, found.errors, found.lost, found.complete) == (4, 9, 2, 1, False)
    assert (found.bytes_in, found.bytes_out, found.messages_in, found.messages_out) == (11, 17, 3, 2)
    assert (found.pid, found.service) == (4711, "shop")


def test_what_a_request_lacks_reads_as_none(tmp_path: Path) -> None:
    bare = summary(1, route=0, status=0, first_byte_ns=0, response_end_ns=0, kind=4, method="", remote_parent=0)
    store(tmp_path, [bare])
    found = the_one(tmp_path)
    assert (found.route, found.status, found.first_byte_ns, found.remote_parent_id) == (None, None, None, None)
    assert (found.id, found.kind) == (found.trace_id, "task")
    assert (found.duration_ns, found.background_ns) == (50_000, 0)


def test_numbers_of_the_wire_that_nobody_knows_are_called_unknown(tmp_path: Path) -> None:
    """A record of a later version, or of none."""
    store(tmp_path, [summary(1, kind=77, outcome=99)])
    found = the_one(tmp_path)
    assert (found.kind, found.outcome) == ("unknown", "unknown")


def test_requests_alike_share_what_they_have_in_common(tmp_path: Path) -> None:
    store(tmp_path, [summary(key) for key in range(1, 101)], [summary(key) for key in range(101, 201)])
    connection = sqlite3.connect(tmp_path / "slices" / f"{START_NS}.db")
    assert connection.execute("SELECT count(*) FROM shapes").fetchone() == (1,)
    connection.close()
    assert len(paths(tmp_path)) == 100


# --- twice the same ---


def test_a_request_stored_before_is_left_as_it_is(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1), summary(2)]))
        writer.commit(Batch(finished=[summary(2, path="/again"), summary(3), summary(1, path="/again")]))
        writer.commit(Batch(finished=[summary(3, path="/again")]))
    assert paths(tmp_path) == ["/items/3", "/items/2", "/items/1"]
    with Reader(tmp_path) as reader:
        assert [route.count for route in reader.routes(START_NS)] == [3]
        assert len(reader.tail(Cursor(0))[0]) == reader.info().requests == 3


def test_a_request_twice_in_a_batch_is_stored_once_and_first(tmp_path: Path) -> None:
    store(tmp_path, [summary(1), summary(2), summary(1, path="/again")])
    assert paths(tmp_path) == ["/items/2", "/items/1"]


def test_a_failure_is_counted_once_however_often_it_is_handed_over(tmp_path: Path) -> None:
    store(tmp_path, [failed(1)], [failed(1)], [failed(1), failed(2)])
    with Reader(tmp_path) as reader:
        assert [group.count for group in reader.errors()] == [2]


def test_a_replay_still_ends_what_is_open(tmp_path: Path) -> None:
    """A stale row beside the stored request: what main.db missed when it was killed."""
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1)]))
        writer.commit(Batch(open=[unfinished(1)]))
        writer.commit(Batch(finished=[summary(1, pieces=1)]))
        assert writer.restore().open == ()
    with Reader(tmp_path) as reader:
        assert [reader.blob(request) for request in reader.requests()] == [summary(1).blob]


# --- what comes late ---


def late(key: int, **fields: object) -> Summary:
    """Records of a request that had been handed over as finished."""
    records = encode_records(ended(key, START_NS + 3_000_000_000)[-1:], 99_000)
    facts = {"late": 1, "kind": 0, "blob": records, "position": 99_000, "events": 1, "spans": 0, "notes": ()}
    return summary(key, **{**facts, "route": 0, "method": "", "path": "", **fields})


def test_late_records_are_added_to_their_request(tmp_path: Path) -> None:
    end_ns = START_NS + 1_000_000 + 70_000
    more = late(1, spans=2, errors=1, lost=3, end_ns=end_ns, notes=(annotation(1, late="yes"), exception(1)))
    more = more._replace(loop_wait_ns=7, thread_wait_ns=2, longest_step_ns=4)
    whole = summary(1, loop_wait_ns=10, thread_wait_ns=1, longest_step_ns=9)
    store(tmp_path, [whole, summary(2)], [more, summary(3)])
    with Reader(tmp_path) as reader:
        found = reader.find("@last")
        assert found.path == "/items/3"
        found = reader.requests()[-1]
        assert (found.path, found.events, found.spans, found.errors, found.lost) == ("/items/1", 5, 3, 1, 3)
        assert (found.duration_ns, found.background_ns) == (40_000, 30_000)
        assert (found.loop_wait_ns, found.thread_wait_ns, found.longest_step_ns) == (17, 3, 9)
        assert reader.blob(found) == summary(1).blob + late(1).blob
        assert [group.count for group in reader.errors()] == [1]
        assert reader.info().requests == len(reader.tail(Cursor(0))[0]) == 3


@pytest.mark.parametrize("flag", [{"late": 1}, {"late": 0}], ids=["late", "headless"])
def test_late_records_handed_over_again_are_left_out(tmp_path: Path, flag: dict[str, int]) -> None:
    more = late(1, notes=(exception(1),), **flag)
    store(tmp_path, [summary(1)], [more], [more, more])
    with Reader(tmp_path) as reader:
        (found,) = reader.requests()
        assert found.events == 5
        assert len(reader.blob(found)) == len(summary(1).blob) + len(late(1).blob)
        assert [group.count for group in reader.errors()] == [1]


def test_the_tail_of_a_stored_request_read_again_is_known_by_its_first_record(tmp_path: Path) -> None:
    """After a crash, when the ring has been written over up to the middle of the request: no begin, another place."""
    whole = encode_records(ended(1, START_NS + 1_000_000), 600)
    again = encode_records([*ended(1, START_NS + 1_000_000)], 600)
    store(tmp_path, [summary(1, blob=summary(1).blob + whole)])
    store(tmp_path, [late(1, late=0, blob=again, position=600)])
    assert the_one(tmp_path).events == 4


def test_of_a_request_handed_over_again_only_what_it_wrote_since_is_added(tmp_path: Path) -> None:
    """After a crash between two batches of a round: what had been stored is read again, with more behind it."""
    since = encode_records([*ended(1, START_NS + 2_000_000), *ended(1, START_NS + 3_000_000)], 600)
    again = summary(1, blob=summary(1).blob + since, events=8, lost=3)
    store(tmp_path, [summary(1)], [again, summary(2)], [again])
    with Reader(tmp_path) as reader:
        found = reader.requests()[-1]
        assert (found.path, found.events, found.spans, found.errors) == ("/items/1", 8, 1, 0)
        assert reader.blob(found).endswith(since)
        assert reader.info().requests == 2


def test_pieces_at_one_place_are_told_apart_by_their_events(tmp_path: Path) -> None:
    store(tmp_path, [summary(1)], [late(1)], [late(1, blob=encode_records(ended(1, START_NS)[-1:], 0))])
    assert the_one(tmp_path).events == 6


def test_late_records_without_any_event_are_told_apart_by_their_place(tmp_path: Path) -> None:
    store(tmp_path, [summary(1)], [late(1, blob=b"", lost=2, events=0)], [late(1, blob=b"", lost=2, events=0)])
    assert the_one(tmp_path).lost == 2


def test_bytes_that_are_no_records_are_compared_whole(tmp_path: Path) -> None:
    store(tmp_path, [summary(1)], [late(1, blob=b"\xffrubbish")], [late(1, blob=b"\xffrubbish", position=5)])
    assert the_one(tmp_path).events == 5


def test_late_records_in_the_batch_of_their_request_are_added_to_it(tmp_path: Path) -> None:
    store(tmp_path, [summary(1), late(1), late(1, blob=b"\xffmore", position=5)])
    assert the_one(tmp_path).events == 6


def test_late_records_find_their_request_in_another_slice(tmp_path: Path) -> None:
    clock = Clock(START_NS + 9 * HOUR_NS)
    with open_writer(tmp_path, clock=clock) as writer:
        writer.commit(Batch(finished=[summary(1), summary(1, segment=2, path="/other", start_ns=START_NS + HOUR_NS)]))
        writer.commit(Batch(finished=[summary(2, start_ns=START_NS + 5 * HOUR_NS)]))
        writer.commit(Batch(finished=[late(1, start_ns=START_NS + 5 * HOUR_NS), late(1, segment=2)]))
    with Reader(tmp_path) as reader:
        assert [request.events for request in reader.requests()] == [4, 5, 5]


def test_a_request_whose_beginning_was_lost_is_stored_as_what_is_left(tmp_path: Path) -> None:
    store(tmp_path, [summary(1, kind=0, complete=0), summary(2, kind=0, late=1)])
    with Reader(tmp_path) as reader:
        assert [(request.kind, request.complete) for request in reader.requests()] == [
            ("unknown", True),
            ("unknown", False),
        ]


# --- open requests ---


def test_an_open_request_is_listed_until_it_ends(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[unfinished(1)], finished=[summary(2)]))
        with Reader(tmp_path) as reader:
            (request,) = reader.open_requests()
            assert (request.state, request.path, request.route) == ("open", "/items/1", "/items/{id}")
            assert [each.state for each in reader.requests()] == ["done", "open"]
            assert reader.trace(request).root.duration_ns is None
        rest = encode_records(ended(1, START_NS + 1_000_000), 800)
        writer.commit(Batch(finished=[summary(1, blob=rest, pieces=1, position=800)]))
        with Reader(tmp_path) as reader:
            assert reader.open_requests() == []
            assert [each.state for each in reader.requests()] == ["done", "done"]
            assert reader.blob(request) == unfinished(1).blob + rest
            assert reader.trace(request).request.state == "done"


def test_what_an_open_request_noted_stays_with_it(tmp_path: Path) -> None:
    """Notes come with the piece that they are in, not again with the end."""
    first = unfinished(1, notes=(annotation(1, user=7), exception(1, "shop.Retry")), errors=1)
    second = unfinished(1, blob=b"", notes=(annotation(1, plan="free"),), errors=1, sites=(2,))
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[first]))
        writer.commit(Batch(open=[second]))
    with open_writer(tmp_path) as writer:
        last = summary(1, pieces=2, outcome=1, status=500, sites=(2,), notes=(annotation(1, user=7, end=True),))
        writer.commit(Batch(finished=[last]))
    request = the_one(tmp_path)
    assert request.error == "shop.Retry"
    connection = sqlite3.connect(tmp_path / "slices" / f"{START_NS}.db")
    rows = connection.execute("SELECT key, text FROM attributes ORDER BY key").fetchall()
    assert rows == [("end", "true"), ("plan", "free"), ("user", "7")]
    names = connection.execute("SELECT name FROM requests JOIN span_names USING (shape) ORDER BY name").fetchall()
    assert names == [("GET /items/{id}",), ("load",)]
    assert connection.execute("SELECT count(*) FROM exceptions").fetchone() == (1,)
    connection.close()
    with Reader(tmp_path) as reader:
        assert [(group.type, group.count) for group in reader.errors()] == [("shop.Retry", 1)]


def test_an_exception_is_counted_when_it_is_seen_not_when_its_request_ends(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[unfinished(1, notes=(exception(1),))]))
        writer.commit(Batch(open=[unfinished(1, notes=(exception(1),))]))
        with Reader(tmp_path) as reader:
            assert [group.count for group in reader.errors()] == [1]
        writer.commit(Batch(finished=[failed(1, exception(1), exception(1, "Other"), pieces=1)]))
        assert writer._loaded().open.noted([1 << 44 | 1]) == {}
    with Reader(tmp_path) as reader:
        assert sorted((group.type, group.count) for group in reader.errors()) == [("Other", 1), ("shop.Declined", 1)]


def test_a_long_request_is_copied_part_by_part(tmp_path: Path) -> None:
    """It need not be in memory whole, and is read like any other."""
    pieces = [bytes([number]) * 40_000 for number in range(1, 12)]
    many = {"events": ingest._MANY_EVENTS}
    with open_writer(tmp_path) as writer:
        for number, piece in enumerate(pieces[:-1]):
            place = (1 << 63) + 1000 - number
            writer.commit(Batch(open=[unfinished(1, blob=piece, position=place, **many), unfinished(2)]))
        last = summary(1, blob=pieces[-1], position=1 << 62, pieces=10, **many)
        writer.commit(Batch(finished=[last, finish(2), summary(3)]))
        writer.commit(Batch(finished=[last]))
    with Reader(tmp_path) as reader:
        assert reader.open_requests() == []
        blobs = {request.path: reader.blob(request) for request in reader.requests()}
    assert blobs["/items/1"] == b"".join(pieces)
    assert blobs["/items/2"] == unfinished(2).blob + finish(2).blob
    connection = sqlite3.connect(tmp_path / "slices" / f"{START_NS}.db")
    assert connection.execute("SELECT count(*) FROM pieces").fetchone() == (2,)
    connection.close()


def test_a_piece_handed_over_again_is_left_out(tmp_path: Path) -> None:
    """As by a batch of which the commit was carried out and still reported as failed."""
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[unfinished(1)]))
        writer.commit(Batch(open=[unfinished(1)]))
        assert [request.pieces for request in writer.restore().open] == [(unfinished(1).blob,)]


# --- slices ---


def test_a_batch_over_two_slices_is_stored_in_both(tmp_path: Path) -> None:
    clock = Clock(START_NS + 2 * HOUR_NS)
    with open_writer(tmp_path, clock=clock) as writer:
        batch = [
            summary(1),
            summary(2, start_ns=START_NS + HOUR_NS),
            summary(3),
            failed(4, start_ns=START_NS + HOUR_NS),
        ]
        writer.commit(Batch(finished=batch, heads={1: (9,)}, open=[unfinished(5)], losses={1: {"full": 3}}))
    with Reader(tmp_path) as reader:
        assert [each.requests for each in reader.info().slices] == [2, 2]
        assert reader.info().segments[0].lost == {"full": 3}
        assert sum(route.count for route in reader.routes(START_NS)) == 4
        assert len(reader.open_requests()) == 1


def test_what_cannot_be_stored_at_all_is_raised_and_leaves_nothing(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings()) as writer:
        with pytest.raises(sqlite3.IntegrityError):
            writer.commit(Batch(finished=[summary(1), summary(2, path=None)]))
        writer.commit(Batch(finished=[summary(1)]))
    assert paths(tmp_path) == ["/items/1"]
