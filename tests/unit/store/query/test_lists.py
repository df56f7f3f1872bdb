"""Lists of requests: complete, in order, page by page, and what a filter says of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from scope.model import Event, EventType
from scope.store import Batch, Cursor, Reader, StoreError, parse
from scope.store.query import pages
from scope.wire.encode import encode_records
from tests.unit.store.kit import (
    HOUR_NS,
    LOAD,
    OFFSET_NS,
    RENDER,
    START_NS,
    Clock,
    Settings,
    annotation,
    begun,
    ended,
    failed,
    open_writer,
    store,
    summary,
    unfinished,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scope.store import Summary

MINUTE_NS = HOUR_NS // 60
NOW_NS = START_NS + 3 * HOUR_NS
SHORT = {
    "dur": "duration_ns",
    "first_byte": "first_byte_ns",
    "loopwait": "loop_wait_ns",
    "threadwait": "thread_wait_ns",
    "step": "longest_step_ns",
}


def with_span(key: int, duration_ns: int) -> Summary:
    """A request with a call of ``load`` that took so long."""
    start_ns = START_NS + key * MINUTE_NS
    now = start_ns - OFFSET_NS + 10_000
    call = [
        Event(EventType.FUNCTION_ENTER, now, key, 2, 1, LOAD),
        Event(EventType.FUNCTION_EXIT, now + duration_ns, key, 2, payload={"outcome": 0}),
    ]
    records = encode_records([*begun(key, start_ns), *call, *ended(key, start_ns)])
    return summary(key, start_ns=start_ns, sites=(LOAD,), spans=2, blob=records)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Over three slices: /items/1 to 100, a minute after each other, with two open ones among them."""
    directory = tmp_path_factory.mktemp("store")
    requests = [plain(key) for key in range(1, 101) if key not in {50, 98}]
    with open_writer(directory, clock=Clock(NOW_NS)) as writer:
        for first in range(0, len(requests), 30):
            writer.commit(Batch(finished=requests[first : first + 30]))
        still = [unfinished(key, start_ns=START_NS + key * MINUTE_NS, segment=2) for key in (50, 98)]
        writer.commit(Batch(open=still))
    with Reader(directory, clock=Clock(NOW_NS)) as opened:
        yield opened


def plain(key: int) -> Summary:
    start_ns = START_NS + key * MINUTE_NS
    if key in {10, 20}:
        return with_span(key, key * 1000)
    if key % 25 == 0:
        return failed(key, start_ns=start_ns)
    notes = (annotation(key, user=key % 4, plan="free"),) if key % 2 else ()
    blob = encode_records(begun(key, start_ns)) + b"".join(notes) + encode_records(ended(key, start_ns))
    sites = (RENDER,) if key % 10 == 3 else ()
    end = {"response_end_ns": start_ns + 1000 * (key % 7 + 1), "status": 404 if key % 30 == 7 else 200}
    loop = {"loop_wait_ns": key * 37 % 50, "thread_wait_ns": key * 11 % 20, "longest_step_ns": key * 7 % 30}
    return summary(key, start_ns=start_ns, notes=notes, sites=sites, blob=blob, **end, **loop)


def keys(reader: Reader, text: str = "", **options: object) -> list[int]:
    condition = parse(text, now_ns=NOW_NS) if text else None
    found = reader.requests(condition, **{"limit": 200, **options})  # type: ignore[arg-type]
    return [int(request.path.rpartition("/")[2]) for request in found]


def test_the_newest_come_first_open_ones_among_them(reader: Reader) -> None:
    assert keys(reader) == list(range(100, 0, -1))
    assert [request.state for request in reader.requests(limit=4)] == ["done", "done", "open", "done"]


@pytest.mark.parametrize("limit", [1, 2, 3, 40, 99, 100])
def test_a_limit_cuts_the_list(reader: Reader, limit: int) -> None:
    assert keys(reader, limit=limit) == list(range(100, 100 - limit, -1))


@pytest.mark.parametrize(
    "sort", ["start", "dur", "status", "spans", "errors", "lost", "bytes_out", "background", "loopwait"]
)
@pytest.mark.parametrize("page", [1, 7, 60])
def test_pages_put_together_are_the_whole_list(reader: Reader, sort: str, page: int) -> None:
    whole = reader.requests(limit=200, sort=sort)
    found, place = [], None
    while part := reader.requests(limit=page, sort=sort, before=place):
        found += part
        place = Cursor.parse(str(Cursor.after(part[-1], sort)))
    assert found == whole
    assert len(whole) == 100


@pytest.mark.parametrize(
    "sort", ["dur", "duration_ns", "events", "bytes_in", "first_byte", "loopwait", "threadwait", "step"]
)
def test_the_greatest_come_first(reader: Reader, sort: str) -> None:
    field = SHORT.get(sort, sort)
    values = [getattr(request, field) or 0 for request in reader.requests(limit=200, sort=sort)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("sort", ["path", "nothing", "since", "attr.user", "span.dur", "complete"])
def test_a_sort_that_is_no_number_of_a_request_is_refused(reader: Reader, sort: str) -> None:
    with pytest.raises(StoreError, match=f"cannot be sorted by '{sort}': start, dur"):
        reader.requests(sort=sort)


@pytest.mark.parametrize("text", ["", "5", "x.y", "1.2.3"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="is no place in a list"):
        Cursor.parse(text)


def test_only_what_began_since_is_listed(reader: Reader) -> None:
    assert keys(reader, since_ns=START_NS + 97 * MINUTE_NS) == [100, 99, 98, 97]
    assert keys(reader, "since:85m") == [100, 99, 98, 97, 96, 95]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path:/items/1?", list(range(19, 9, -1))),
        ("state:open", [98, 50]),
        ("-state:done", [98, 50]),
        ("status:404", [97, 67, 37, 7]),
        ("status>=500", [100, 75, 25]),
        ("err:Declined", [100, 75, 25]),
        ("err:*Declined status:500", [100, 75, 25]),
        ("-err:* status>=500", []),
        ("attr.user:3 start<2027-01-15T08:20:00+00:00", [19, 15, 11, 7, 3]),
        ("attr.user>2 attr.plan:fr* path:/items/?", [7, 3]),
        ("-attr.plan:free path:/items/?", [8, 6, 4, 2]),
        ("attr.none:*", []),
        ("span:render path:/items/?3", [93, 83, 73, 63, 53, 43, 33, 23, 13]),
        ("span:load", [20, 10]),
        ("span:load span.dur>15us", [20]),
        ("span:load span.dur<15us", [10]),
        ("span:load -span.dur>15us", []),
        ('span:"GET /items/{id}" path:/items/??', list(range(99, 9, -1))),
        ("route:/items/{id} method:GET kind:http path:/items/100", [100]),
        ("-route:* path:/items/100", []),
        ("pid:4712", [98, 50]),
        ("service:shop path:/items/5", [5]),
        ("id:00000000000000000000000000000005", [5]),
        ("trace:0000000000000000000000000000000?", list(range(15, 0, -1))),
        ("trace_id:00000000000000000000000000000005", [5]),
        ("trace_id:5", []),
        ("span_id:a000000000000005 OR span_id:A000000000000006", [5]),
        ("parent:*", []),
        ("dur>6us dur<8us path:/items/?", [6]),
        ("complete:no", [98, 50]),
        ("first_byte:*", [key for key in range(100, 0, -1) if key not in {98, 50}]),
        ("bg>0 path:/items/?", list(range(9, 0, -1))),
        ("spans>1", [20, 10]),
        ("(path:/items/1 OR path:/items/2) status:200", [2, 1]),
    ],
)
def test_a_filter_finds_what_it_says(reader: Reader, text: str, expected: list[int]) -> None:
    assert keys(reader, text) == expected


@pytest.mark.parametrize("recent", [1, 7, 20, 60])
@pytest.mark.parametrize("text", ["status:404", "path:/items/?", "attr.user:3", "-state:done", "status>=200 since:90m"])
def test_a_filter_finds_the_same_along_the_index_and_through_the_table(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, text: str, recent: int
) -> None:
    expected = keys(reader, text)
    monkeypatch.setattr(pages, "_RECENT", recent)
    assert keys(reader, text) == expected
    assert keys(reader, text, limit=3) == expected[:3]
    condition, found, place = parse(text, now_ns=NOW_NS), [], None
    while part := reader.requests(condition, limit=2, before=place):
        found += part
        place = Cursor.after(part[-1])
    assert [int(request.path.rpartition("/")[2]) for request in found] == expected


@pytest.mark.parametrize(
    "text", ["status:404", "attr.user:3", "span:load", "err:*", "-status:404", "pid:4711", "spans>1"]
)
def test_sql_and_decoded_data_agree(reader: Reader, text: str) -> None:
    condition = parse(text, now_ns=NOW_NS)
    found = reader.requests(condition, limit=200)
    everything = reader.requests(limit=200)
    assert [each for each in everything if matches_decoded(reader, each, condition)] == found


def matches_decoded(reader: Reader, request: object, condition: object) -> bool:
    return condition.matches(request, lambda: reader.trace(request))  # type: ignore[attr-defined, arg-type, no-any-return]


def test_a_filter_on_spans_goes_on_reading_until_it_has_enough(reader: Reader) -> None:
    assert keys(reader, "span.dur>15us span.dur<21us span:l*", limit=1) == [20]
    assert keys(reader, "span.dur<15us span:load", limit=1) == [10]
    assert keys(reader, "-span.dur<50us", limit=3, sort="errors") == [98, 50]


def test_an_open_request_that_has_ended_meanwhile_is_listed_once(tmp_path: Path) -> None:
    """A reader can come between the commits of the slice and of main.db."""
    store(tmp_path, [summary(1)])
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[unfinished(1)]))
    with Reader(tmp_path) as reader:
        assert [request.state for request in reader.requests()] == ["done"]


def test_requests_whose_beginning_was_lost_are_listed_each(tmp_path: Path) -> None:
    """They have no ids to tell them apart."""
    store(tmp_path, [summary(key, kind=0, span_id=0, trace_id=bytes(16)) for key in range(1, 9)])
    with Reader(tmp_path) as reader:
        assert keys(reader) == list(range(8, 0, -1))


def test_summaries_are_those_of_the_vocabulary(reader: Reader) -> None:
    (request,) = reader.requests(limit=1)
    assert dataclasses.asdict(request)["complete"] is True


def test_a_store_without_requests_lists_none(tmp_path: Path) -> None:
    open_writer(tmp_path, Settings()).close()
    with Reader(str(tmp_path)) as reader:
        assert [reader.requests(), reader.open_requests(), reader.routes(), reader.errors()] == [[], [], [], []]
        assert reader.info().slices == ()
