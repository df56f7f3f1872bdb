"""Requests that last for hours, while slice after slice begins: visible throughout, stored once, where they began."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from scope.config import load
from scope.store import Batch, Reader
from tests.support.servers import scope
from tests.unit.store.kit import HOUR_NS, SECOND_NS, START_NS, Clock, Settings, finish, open_writer, summary, unfinished

if TYPE_CHECKING:
    from scope.model import RequestSummary
    from scope.store import Writer

LONG, HOURS, MINUTE_NS = 1, 6, 60 * SECOND_NS


def found(path: str) -> RequestSummary:
    """The only request with that path."""
    with Reader(load().store_dir) as reader:
        [request] = [each for each in reader.requests(limit=1_000_000) if each.path == path]
        return request


def slices_of(path: str) -> list[int]:
    """The starts of the slices whose files hold it."""
    files = Path(load().store_dir, "slices").glob("*.db")
    return [int(file.stem) for file in files if _holds(file, path)]


def _holds(file: Path, path: str) -> bool:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT 1 FROM requests WHERE path = ?", (path,)).fetchone() is not None
    finally:
        connection.close()


def pass_hours(writer: Writer, clock: Clock, first_key: int) -> None:
    """A short request in every minute; the long one is there each time, and nothing that is kept is too old."""
    for minute in range(HOURS * 60):
        clock.now_ns += MINUTE_NS
        short = summary(first_key + minute, start_ns=clock.now_ns - SECOND_NS)
        writer.commit(Batch(finished=[short]))
        writer.retain(clock.now_ns)
        if minute % 30 == 0:
            assert found("/items/1").state == "open"


def test_a_request_of_hours_is_open_throughout_and_stored_in_the_slice_of_its_start(tmp_path: Path) -> None:
    del tmp_path
    clock, end_ns = Clock(START_NS + SECOND_NS), START_NS + HOURS * HOUR_NS
    directory = Path(load().store_dir)
    directory.parent.mkdir(mode=0o700)
    with open_writer(directory, Settings(slice_s=60), clock) as writer:
        writer.commit(Batch(open=[unfinished(LONG, id="long")], finished=[summary(2)]))
        pass_hours(writer, clock, 3)
    with open_writer(directory, Settings(slice_s=60), clock) as writer:  # a collector that took over
        assert found("/items/1").state == "open"
        ended = finish(LONG, id="long", response_end_ns=end_ns, end_ns=end_ns)
        for _ in range(2):  # the second time as after a kill before its heads were stored
            writer.commit(Batch(finished=[ended]))
    request = found("/items/1")
    assert (request.state, request.duration_ns) == ("done", end_ns - request.start_ns)
    assert slices_of("/items/1") == slices_of("/items/2") == [START_NS]
    with Reader(directory) as reader:
        assert len(reader.info().slices) > HOURS * 60 - 2
        assert sum(each.requests for each in reader.info().slices) == HOURS * 60 + 2
        assert reader.trace(request).request == request
    assert "/items/1" in scope("show", "long")


def test_a_request_that_outlives_what_is_kept_is_stored_once_in_the_oldest_slice_there_is(tmp_path: Path) -> None:
    del tmp_path
    clock, end_ns = Clock(START_NS + SECOND_NS), START_NS + HOURS * HOUR_NS
    directory = Path(load().store_dir)
    directory.parent.mkdir(mode=0o700)
    with open_writer(directory, Settings(slice_s=60, retention_age_s=3600), clock) as writer:
        writer.commit(Batch(open=[unfinished(LONG, id="long")], finished=[summary(2)]))
        pass_hours(writer, clock, 3)
        writer.commit(Batch(finished=[finish(LONG, id="long", response_end_ns=end_ns, end_ns=end_ns)]))
        with Reader(directory) as reader:
            oldest_ns = min(each.start_ns for each in reader.info().slices)
        assert oldest_ns >= end_ns - HOUR_NS - MINUTE_NS
    assert slices_of("/items/1") == [oldest_ns]
    assert found("/items/1").duration_ns > (HOURS - 1) * HOUR_NS
    assert "/items/1" in scope("show", "long")
