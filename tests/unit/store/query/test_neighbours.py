"""Requests that a process served at the same time as another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scope.store import Batch, Reader, Sort
from tests.unit.store.kit import HOUR_NS, START_NS, open_writer, store, summary, unfinished

if TYPE_CHECKING:
    from pathlib import Path

    from scope.model import RequestSummary
    from scope.store import Summary

MS = 1_000_000
LONG = {"start_ns": START_NS, "end_ns": START_NS + 100 * MS, "response_end_ns": START_NS + 100 * MS}


def held(key: int, **fields: Any) -> Summary:
    """One that held its loop the longer and waited for it the shorter, the later it began."""
    return summary(key, longest_step_ns=key, loop_wait_ns=1000 - key, **fields)


def paths(found: list[RequestSummary]) -> list[str]:
    return [each.path for each in found]


def beside(directory: Path, path: str, limit: int = 300, sort: Sort = Sort.HELD_LOOP) -> list[str]:
    with Reader(directory) as reader:
        [request] = [each for each in reader.requests(limit=500) if each.path == path]
        return paths(reader.neighbours(request, sort, limit=limit))


def test_those_whose_time_overlaps_are_found_who_held_the_loop_longest_first(tmp_path: Path) -> None:
    store(tmp_path, [held(200, **LONG), held(1), held(50), held(150)])
    assert beside(tmp_path, "/items/200") == ["/items/50", "/items/1"]
    assert beside(tmp_path, "/items/50") == ["/items/200"]
    assert beside(tmp_path, "/items/150") == []


def test_other_processes_are_no_neighbours(tmp_path: Path) -> None:
    store(tmp_path, [held(200, **LONG), held(50, segment=2)])
    assert beside(tmp_path, "/items/200") == []


def test_the_open_ones_and_those_of_an_earlier_slice_count(tmp_path: Path) -> None:
    before_ns = START_NS // HOUR_NS * HOUR_NS - MS
    with open_writer(tmp_path) as writer:
        early = held(3, start_ns=before_ns, end_ns=before_ns + 5 * MS, response_end_ns=before_ns + 5 * MS)
        later = held(4, start_ns=before_ns + 2 * MS, end_ns=before_ns + 9 * MS, response_end_ns=before_ns + 9 * MS)
        running = unfinished(5, longest_step_ns=5, start_ns=before_ns + 4 * MS, end_ns=before_ns + 8 * MS)
        writer.commit(Batch(finished=[early, later], open=[running]))
    assert beside(tmp_path, "/items/4") == ["/items/5", "/items/3"]
    assert beside(tmp_path, "/items/5") == ["/items/4", "/items/3"]


def test_no_more_than_asked_for(tmp_path: Path) -> None:
    store(tmp_path, [held(200, **LONG), *(held(key) for key in range(1, 90))])
    assert beside(tmp_path, "/items/200", 3) == ["/items/89", "/items/88", "/items/87"]
    assert beside(tmp_path, "/items/200", 3, Sort.WAITED_FOR_LOOP) == ["/items/1", "/items/2", "/items/3"]


def test_those_that_did_nothing_of_the_kind_are_left_out(tmp_path: Path) -> None:
    store(tmp_path, [held(200, **LONG), summary(1, loop_wait_ns=7), summary(2, longest_step_ns=5)])
    assert beside(tmp_path, "/items/200") == ["/items/2"]
    assert beside(tmp_path, "/items/200", sort=Sort.WAITED_FOR_LOOP) == ["/items/1"]
