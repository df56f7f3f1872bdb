"""Requests that a process served at the same time as another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scope.store import Batch, Reader
from tests.unit.store.kit import HOUR_NS, START_NS, open_writer, store, summary, unfinished

if TYPE_CHECKING:
    from pathlib import Path

    from scope.model import RequestSummary

MS = 1_000_000
LONG = {"start_ns": START_NS, "end_ns": START_NS + 100 * MS, "response_end_ns": START_NS + 100 * MS}


def paths(found: list[RequestSummary]) -> list[str]:
    return [each.path for each in found]


def beside(directory: Path, path: str, limit: int = 300) -> list[str]:
    with Reader(directory) as reader:
        [request] = [each for each in reader.requests(limit=500) if each.path == path]
        return paths(reader.neighbours(request, limit=limit))


def test_those_whose_time_overlaps_are_found_the_newest_first(tmp_path: Path) -> None:
    store(tmp_path, [summary(200, **LONG), summary(1), summary(50), summary(150)])
    assert beside(tmp_path, "/items/200") == ["/items/50", "/items/1"]
    assert beside(tmp_path, "/items/50") == ["/items/200"]
    assert beside(tmp_path, "/items/150") == []


def test_other_processes_are_no_neighbours(tmp_path: Path) -> None:
    store(tmp_path, [summary(200, **LONG), summary(50, segment=2)])
    assert beside(tmp_path, "/items/200") == []


def test_the_open_ones_and_those_of_an_earlier_slice_count(tmp_path: Path) -> None:
    before_ns = START_NS // HOUR_NS * HOUR_NS - MS
    with open_writer(tmp_path) as writer:
        early = summary(3, start_ns=before_ns, end_ns=before_ns + 5 * MS, response_end_ns=before_ns + 5 * MS)
        later = summary(4, start_ns=before_ns + 2 * MS, end_ns=before_ns + 9 * MS, response_end_ns=before_ns + 9 * MS)
        running = unfinished(5, start_ns=before_ns + 4 * MS, end_ns=before_ns + 8 * MS)
        writer.commit(Batch(finished=[early, later], open=[running]))
    assert beside(tmp_path, "/items/4") == ["/items/5", "/items/3"]
    assert beside(tmp_path, "/items/5") == ["/items/4", "/items/3"]


def test_no_more_than_asked_for(tmp_path: Path) -> None:
    store(tmp_path, [summary(200, **LONG), *(summary(key) for key in range(1, 90))])
    assert beside(tmp_path, "/items/200", 3) == ["/items/89", "/items/88", "/items/87"]
