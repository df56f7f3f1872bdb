"""Who held event loops and who waited, found in a store: the requests that count most are read, within bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scope.model import Event, EventType
from scope.store import NotFound, Reader, parse
from scope.views import loop_search
from scope.views.loop_search import find_blame, find_culprits
from scope.views.reading import SHOWN_AT_MOST, Reading
from scope.wire.encode import encode_records
from tests.unit.store.kit import LOAD, OFFSET_NS, START_NS, begun, ended, store, summary
from tests.unit.views.samples import make_request, make_span, make_trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scope.model import RequestSummary, Trace
    from scope.store import Summary

MS = 1_000_000
LEAST_NS = 10 * MS
LONG_NS = 200 * MS


def stored(key: int, *steps: tuple[int, int, int], **fields: Any) -> Summary:
    """A request of 200 ms from START_NS on; steps by when they were ready, began and ended, in ms of it."""
    now = START_NS - OFFSET_NS
    events = [*begun(key, START_NS), Event(EventType.FUNCTION_ENTER, now, key, 2, 1, LOAD)]
    for ready, start, end in steps:
        payload = {"waited_ns": (start - ready) * MS, "ran_ns": (end - start) * MS, "flags": 0}
        events.append(Event(EventType.LOOP_STEP, now + end * MS, key, 1, payload=payload))
    events.append(Event(EventType.FUNCTION_EXIT, now + LONG_NS, key, 2, payload={"outcome": 0}))
    facts = {
        "start_ns": START_NS,
        "end_ns": START_NS + LONG_NS,
        "response_end_ns": START_NS + LONG_NS,
        "id": f"request-{key}",
        "loop_wait_ns": sum(start - ready for ready, start, _ in steps) * MS,
        "longest_step_ns": max((end - start for _, start, end in steps), default=0) * MS,
        "blob": encode_records([*events, *ended(key, START_NS)]),
    }
    return summary(key, **{**facts, **fields})


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A request that holds its loop for 60 ms, four that wait for it, one of another process, and a quick one."""
    directory: Path = tmp_path_factory.mktemp("loop")
    waiting = [stored(key, (0, 0, 1), (10 + key, 60, 61)) for key in range(2, 6)]
    elsewhere = stored(8, (0, 0, 1), (10, 60, 61), segment=2)
    store(directory, [stored(1, (0, 0, 60)), *waiting, elsewhere, stored(9, (0, 0, 3))])
    with Reader(directory) as reader:
        yield reader


def trace(reader: Reader, key: int) -> Trace:
    return reader.trace(reader.find(f"request-{key}"))


def test_a_culprit_is_found_with_all_that_waited_for_it(reader: Reader) -> None:
    search = find_culprits(reader, LEAST_NS)
    [culprit] = search.culprits
    assert (culprit.function, culprit.route, culprit.steps) == ("load", "GET /items/{id}", 1)
    assert (culprit.victims, culprit.stolen_ns) == (4, (48 + 47 + 46 + 45) * MS)
    assert (culprit.culprit_id, culprit.victim_id) == ("request-1", "request-2")
    assert search.skipped == 0


def test_holds_are_those_of_requests_that_meet_the_filter_and_began_since_then(reader: Reader) -> None:
    assert find_culprits(reader, LEAST_NS, parse("path:/items/1")).culprits
    assert find_culprits(reader, LEAST_NS, parse("-path:/items/1")).culprits == []
    assert find_culprits(reader, LEAST_NS, parse("id:nobody OR path:/items/2")).culprits == []
    assert find_culprits(reader, LEAST_NS, since_ns=START_NS).culprits
    assert find_culprits(reader, LEAST_NS, since_ns=START_NS + 1).culprits == []


def test_shorter_holds_and_waits_are_passed_over(reader: Reader) -> None:
    assert find_culprits(reader, 61 * MS).culprits == []
    [culprit] = find_culprits(reader, 47 * MS).culprits
    assert culprit.victims == 2
    assert len(find_culprits(reader, 0).culprits[0].route) > 0


def test_each_side_finds_the_other(reader: Reader) -> None:
    held = find_blame(reader, trace(reader, 1), LEAST_NS)
    assert [(theft.victim.id, theft.stolen_ns // MS) for theft in held.taken] == [
        ("request-2", 48),
        ("request-3", 47),
        ("request-4", 46),
        ("request-5", 45),
    ]
    waited = find_blame(reader, trace(reader, 3), LEAST_NS)
    assert [(theft.culprit.id, theft.function, theft.stolen_ns) for theft in waited.stolen] == [
        ("request-1", "load", 47 * MS)
    ]
    assert waited.taken == held.stolen == ()
    assert waited.unexplained_ns == 0


def test_nobody_is_looked_for_where_nothing_is_worth_telling(reader: Reader) -> None:
    found = find_blame(reader, trace(reader, 9), LEAST_NS)
    assert (found.stolen, found.taken, found.held_ns) == ((), (), 3 * MS)


@pytest.mark.parametrize(("bound", "skipped"), [("_HOLDERS", 0), ("_WAITERS", 1)])
def test_those_beyond_the_bounds_are_counted_the_worst_are_read(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, bound: str, skipped: int
) -> None:
    monkeypatch.setattr(loop_search, bound, 2)
    search = find_culprits(reader, LEAST_NS)
    assert search.skipped == skipped
    assert [(each.victims, each.victim_id) for each in search.culprits] == [(4 - 2 * skipped, "request-2")]


def test_many_processes_are_not_named_one_by_one(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_search, "_MOST_PIDS", 0)
    assert find_culprits(reader, LEAST_NS).culprits[0].victims == 4


# --- reading --------------------------------------------------------------------------------------------------------


class Crowd:
    """A store of requests, of which one is removed before it can be read."""

    def __init__(self, removed: int) -> None:
        self.removed = removed

    def trace(self, request: RequestSummary, *, limit: int) -> Trace:
        if request.events == self.removed:
            raise NotFound("gone")
        assert limit == SHOWN_AT_MOST
        return replace(make_trace(make_span("GET", 0, 1)), request=request)


def read(events: Sequence[int], most: int = 100) -> tuple[list[int], int]:
    """Events of the requests that are read when 100 events may be, and how many are not."""
    crowd: Any = Crowd(removed=5)
    reading = Reading(crowd, 100)
    found = [each.request.events for each in reading.traces([make_request(events=each) for each in events], most)]
    return found, reading.skipped


def test_no_more_events_are_read_than_there_is_time_for() -> None:
    assert read([10, 70, 5, 21, 15]) == ([10, 70, 15], 1)


def test_no_more_requests_are_read_than_asked_for() -> None:
    assert read([1, 2, 3, 4], most=3) == ([1, 2, 3], 1)
