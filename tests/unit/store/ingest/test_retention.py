"""What is forgotten, and how little that takes."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from scope.store import Batch, NotFound, Reader, StoreBusy, Writer
from scope.store.ingest import open_requests
from tests.unit.store.ingest.test_slices import MIB, at, bounds, counts, noise
from tests.unit.store.kit import (
    DEFINITIONS,
    HOUR_NS,
    START_NS,
    Clock,
    Settings,
    failed,
    open_writer,
    summary,
    unfinished,
)

if TYPE_CHECKING:
    from pathlib import Path

DAYS_NS = 24 * HOUR_NS


def rows(directory: Path, sql: str) -> list[tuple[object, ...]]:
    main = sqlite3.connect(directory / "main.db")
    found = main.execute(sql).fetchall()
    main.close()
    return found


def fill(writer: Writer, clock: Clock) -> None:
    """A request in each of four hours."""
    for hour in range(4):
        clock.now_ns = START_NS + hour * HOUR_NS
        writer.commit(Batch(finished=[at(hour + 0.5, hour + 1)]))


def test_slices_that_are_too_old_go_as_a_whole(tmp_path: Path) -> None:
    clock = Clock()
    with open_writer(tmp_path, Settings(retention_age_s=2 * 3600), clock) as writer:
        fill(writer, clock)
        assert writer.retain(START_NS + 3 * HOUR_NS - 1) == 0
        assert writer.retain(START_NS + 3 * HOUR_NS) == 1
        assert bounds(tmp_path) == [(1, 2), (2, 3), (3, 4)]
        assert writer.retain(START_NS + 5 * HOUR_NS) == 2
        assert bounds(tmp_path) == [(3, 4)]
    assert sorted(path.name for path in (tmp_path / "slices").iterdir()) == [f"{START_NS + 3 * HOUR_NS}.db"]


def test_the_newest_slice_stays_whatever_its_age(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(retention_age_s=3600, retention_bytes=1)) as writer:
        writer.commit(Batch(finished=[summary(1)]))
        assert writer.retain(START_NS + 99 * DAYS_NS) == 0
    assert counts(tmp_path) == [1]


def test_the_oldest_slices_go_when_there_is_too_much(tmp_path: Path) -> None:
    limit = 12 * MIB
    with open_writer(tmp_path, Settings(retention_bytes=limit)) as writer:
        dropped = 0
        for first in range(1, 600, 20):
            writer.commit(Batch(finished=[noise(key) for key in range(first, first + 20)]))
            dropped += writer.retain(START_NS)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*"))
    assert dropped > 3
    assert limit / 2 < size < limit
    with Reader(tmp_path) as reader:
        kept = [int(request.path.rpartition("/")[2]) for request in reader.requests(limit=1000)]
        assert kept == list(range(600, 600 - len(kept), -1))


def test_a_request_whose_slice_has_gone_goes_to_the_oldest_that_is_kept(tmp_path: Path) -> None:
    clock = Clock()
    with open_writer(tmp_path, Settings(retention_age_s=7200), clock) as writer:
        fill(writer, clock)
        writer.retain(START_NS + 3 * HOUR_NS)
        writer.commit(Batch(finished=[at(0.7, 9)]))
    assert counts(tmp_path) == [2, 1, 1]


def test_a_slice_removed_for_its_size_is_not_made_again(tmp_path: Path) -> None:
    """It is not past its age, so only what was removed can tell."""
    with open_writer(tmp_path, Settings(retention_bytes=3 * MIB), Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(0.5, 1), *(noise(key) for key in range(3600, 3700))]))
        assert writer.retain(START_NS + HOUR_NS) == 1
        writer.commit(Batch(finished=[at(0.7, 2)]))
    assert counts(tmp_path) == [101]


def test_nothing_is_written_when_there_is_nothing_to_remove(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[failed(1)]))
        connection = writer._main
        before = connection.total_changes
        assert writer.retain(START_NS + HOUR_NS) == 0
        assert connection.total_changes == before


def test_a_reader_goes_on_with_what_is_left(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(retention_age_s=3600), Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(0.5, 1), at(1.5, 2)]))
        with Reader(tmp_path) as reader:
            new, old = reader.requests()
            assert writer.retain(START_NS + 2 * HOUR_NS) == 1
            assert reader.requests() == reader.requests(sort="dur") == [new]
            with pytest.raises(NotFound, match="no longer stored"):
                reader.trace(old)
            with pytest.raises(NotFound):
                reader.find(old.id)
            assert reader.tail(reader.tail()[1])[0] == []


def test_a_slice_unlinked_while_a_reader_has_it_open_is_read_to_its_end(tmp_path: Path) -> None:
    """The list of slices is older than the removal."""
    with open_writer(tmp_path, Settings(retention_age_s=3600), Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(0.5, 1), at(1.5, 2)]))
        with Reader(tmp_path) as reader:
            old = reader.requests()[-1]
            slices = reader._archive.slices()
            writer.retain(START_NS + 2 * HOUR_NS)
            open_slice = reader._archive.slice(START_NS)
            assert open_slice is not None
            assert open_slice.rows("SELECT path FROM requests") == [("/items/1",)]
            reader._archive._slices.pop(START_NS).close()
            assert reader._archive.slice(START_NS) is None
            assert len(slices) == 2
            assert old.path == "/items/1"


def test_what_a_reader_left_behind_is_removed_too(tmp_path: Path) -> None:
    """It opened the slice after the file and before its companions had gone, and so made them again."""
    with open_writer(tmp_path, Settings(retention_age_s=3600), Clock(START_NS + HOUR_NS)) as writer:
        stray = tmp_path / "slices" / f"{START_NS - HOUR_NS}.db-wal"
        stray.touch()
        writer.commit(Batch(finished=[at(0.5, 1), at(1.5, 2)]))
        assert writer.retain(START_NS + 2 * HOUR_NS) == 1
        assert not stray.exists()
        assert (tmp_path / "slices" / f"{START_NS + HOUR_NS}.db-wal").exists()


def test_rollups_and_error_groups_age_too(tmp_path: Path) -> None:
    with open_writer(tmp_path, clock=Clock(START_NS + 30 * DAYS_NS)) as writer:
        writer.commit(Batch(finished=[failed(1, start_ns=START_NS + 30 * DAYS_NS)]))
        writer.commit(Batch(finished=[failed(2, start_ns=START_NS), failed(3, start_ns=START_NS + 28 * DAYS_NS)]))
        for _ in range(200):
            writer.retain(START_NS + 30 * DAYS_NS)
    minutes, days = START_NS // 60 // 10**9, 24 * 60
    assert rows(tmp_path, "SELECT minute FROM minutes") == [(minutes + 28 * days,), (minutes + 30 * days,)]
    assert rows(tmp_path, "SELECT minute FROM fault_minutes") == [(minutes + 28 * days,), (minutes + 30 * days,)]
    assert rows(tmp_path, "SELECT hour FROM hours") == [((minutes + 28 * days) // 60,), ((minutes + 30 * days) // 60,)]


def test_old_rollups_go_a_few_hours_at_a_time(tmp_path: Path) -> None:
    """However long the collector was away, no call takes long."""
    with open_writer(tmp_path, clock=Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(hour, hour + 1) for hour in range(10)]))
        writer.retain(START_NS + 20 * DAYS_NS)
        assert len(rows(tmp_path, "SELECT * FROM minutes")) == 8


def test_an_error_group_not_seen_for_so_long_goes(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[failed(1)]))
        writer.retain(START_NS + 8 * DAYS_NS)
    assert rows(tmp_path, "SELECT * FROM faults") == []


def test_segments_of_which_nothing_is_kept_are_forgotten(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(retention_age_s=3600), Clock(START_NS + HOUR_NS)) as writer:
        losses = {1: {"full": 1}, 2: {"full": 2}}
        writer.commit(Batch(finished=[at(0.5, 1), summary(2, segment=2, start_ns=START_NS + HOUR_NS)], losses=losses))
        writer.drop_segment(1)
        with Reader(tmp_path) as reader:
            assert [segment.ended for segment in reader.info().segments] == [True, False]
        assert writer.retain(START_NS + 2 * HOUR_NS) == 1
        with Reader(tmp_path) as reader:
            assert [segment.lost for segment in reader.info().segments] == [{"full": 2}]
        with pytest.raises(ValueError, match="segment 1 is not registered"):
            writer.commit(Batch(finished=[summary(1)]))


def test_a_kill_between_removal_and_its_note_leaves_no_segment_behind(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(), Clock(START_NS + HOUR_NS)) as writer:
        finished = [at(0.5, 1), summary(2, segment=2, start_ns=START_NS + HOUR_NS)]
        writer.commit(Batch(finished=finished, losses={1: {"full": 1}, 2: {"full": 2}}))
        writer.drop_segment(1)
    (tmp_path / "slices" / f"{START_NS}.db").unlink()
    with Writer(tmp_path, Settings(), clock=Clock(START_NS + HOUR_NS)), Reader(tmp_path) as reader:
        assert [segment.lost for segment in reader.info().segments] == [{"full": 2}]


def test_what_many_open_requests_had_in_common_is_forgotten_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_requests, "_MAX_SHAPES", 3)
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(open=[unfinished(key, method=f"M{key}", sites=(2,)) for key in range(1, 7)]))
        writer.commit(Batch(finished=[summary(key, pieces=1) for key in range(1, 6)]))
        writer.retain(START_NS)
        assert rows(tmp_path, "SELECT method FROM shapes") == [("M6",)]
        assert rows(tmp_path, "SELECT count(*) FROM span_names") == [(2,)]
        writer.commit(Batch(open=[unfinished(7, method="M1"), unfinished(6, method="M6", status=1)]))
        assert writer.retain(START_NS) == 0
        with Reader(tmp_path) as reader:
            assert [request.method for request in reader.open_requests()] == ["M6", "M1"]
        assert DEFINITIONS


def test_trouble_while_removing_is_told_and_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_writer(tmp_path, Settings(retention_age_s=3600), Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(0.5, 1), at(1.5, 2)]))
        with monkeypatch.context() as broken:
            broken.setattr("pathlib.Path.unlink", _refuse)
            with pytest.raises(Exception, match="Permission denied"):
                writer.retain(START_NS + 2 * HOUR_NS)
        writer.retain(START_NS + 2 * HOUR_NS)
    assert list((tmp_path / "slices").glob(f"{START_NS}.*")) == []


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_on_a_full_disk_a_slice_is_removed_before_that_is_written_down(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(retention_age_s=3600), Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(0.5, 1), at(1.5, 2)]))
        other = sqlite3.connect(tmp_path / "main.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            writer.retain(START_NS + 2 * HOUR_NS)
        assert not (tmp_path / "slices" / f"{START_NS}.db").exists()
        other.execute("ROLLBACK")
        other.close()
        writer.commit(Batch(finished=[at(1.6, 3)]))
    assert counts(tmp_path) == [2]
