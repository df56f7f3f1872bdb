"""Which slice a request goes to, however its clock ran, and what is made of files that should not be there."""

from __future__ import annotations

import random
import sqlite3
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from scope.store import Batch, Reader, StoreUnavailable, Writer
from tests.unit.store.kit import HOUR_NS, SECOND_NS, START_NS, Clock, Settings, open_writer, store, summary

if TYPE_CHECKING:
    from pathlib import Path

DAY_NS = 24 * HOUR_NS
MIB = 1 << 20


def bounds(directory: Path) -> list[tuple[float, float]]:
    """Start and end of every slice in hours after START_NS."""
    with Reader(directory) as reader:
        return [
            ((each.start_ns - START_NS) / HOUR_NS, (each.end_ns - START_NS) / HOUR_NS) for each in reader.info().slices
        ]


def counts(directory: Path) -> list[int]:
    with Reader(directory) as reader:
        return [each.requests for each in reader.info().slices]


def at(hours: float, key: int) -> tuple[object, ...]:
    return summary(key, start_ns=START_NS + int(hours * HOUR_NS), blob=b"")


def test_slices_begin_at_whole_multiples_of_their_length(tmp_path: Path) -> None:
    with open_writer(tmp_path, clock=Clock(START_NS + 5 * HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(1.5, 1), at(0.25, 2), at(1.999, 3), at(4, 4)]))
    assert bounds(tmp_path) == [(0, 1), (1, 2), (4, 5)]
    assert counts(tmp_path) == [1, 2, 1]


def test_another_length_makes_slices_that_don_t_overlap_with_those_there(tmp_path: Path) -> None:
    clock = Clock(START_NS + 5 * HOUR_NS)
    with open_writer(tmp_path, clock=clock) as writer:
        writer.commit(Batch(finished=[at(1.5, 1), at(3.5, 2)]))
    with open_writer(tmp_path, Settings(slice_s=4 * 3600), clock) as writer:
        writer.commit(Batch(finished=[at(1.7, 3), at(0.5, 4), at(2.5, 5), at(4.5, 6)]))
    assert bounds(tmp_path) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 8)]
    assert counts(tmp_path) == [1, 2, 1, 1, 1]


def test_a_request_older_than_anything_kept_goes_to_the_oldest_slice(tmp_path: Path) -> None:
    clock = Clock(START_NS + 8 * DAY_NS)
    with open_writer(tmp_path, clock=clock) as writer:
        writer.commit(Batch(finished=[at(7 * 24, 1), at(7.5 * 24, 2)]))
        writer.commit(Batch(finished=[at(0, 3)]))
    assert counts(tmp_path) == [2, 1]
    with Reader(tmp_path) as reader:
        listed = reader.requests()
        assert [request.path for request in listed] == ["/items/2", "/items/1", "/items/3"]
        assert reader.trace(listed[-1]).request == listed[-1]


def test_a_request_older_than_anything_goes_to_the_present_slice_when_there_is_none(tmp_path: Path) -> None:
    with open_writer(tmp_path, clock=Clock(START_NS + 30 * DAY_NS)) as writer:
        writer.commit(Batch(finished=[at(0, 1), at(0, 2)]))
    assert bounds(tmp_path) == [(30 * 24, 30 * 24 + 1)]


@pytest.mark.parametrize("hours", [3.0, 1e5, -2e5])
def test_a_clock_gone_wrong_makes_no_slices_far_away(tmp_path: Path, hours: float) -> None:
    with open_writer(tmp_path, clock=Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(0.5, 1), at(hours, 2)]))
        writer.commit(Batch(finished=[at(hours, 2), at(1.5, 3)]))
    assert {start for start, _ in bounds(tmp_path)} == {0, 1}
    with Reader(tmp_path) as reader:
        listed = reader.requests()
        assert len(listed) == 3
        assert all(reader.trace(request).request == request for request in listed)


def test_a_request_goes_to_its_slice_even_when_that_is_past_its_age(tmp_path: Path) -> None:
    """Retention has not come to it yet; a second place would make a second request of it after a replay."""
    clock = Clock(START_NS)
    with open_writer(tmp_path, clock=clock) as writer:
        writer.commit(Batch(finished=[at(0.1, 1)]))
        clock.now_ns += 30 * DAY_NS
        writer.commit(Batch(finished=[at(30 * 24, 2), at(0.1, 1), at(0.2, 3)]))
    assert counts(tmp_path) == [2, 1]


def noise(key: int, size: int = 40_000) -> tuple[object, ...]:
    """A request that takes room."""
    return summary(key, start_ns=START_NS + key * SECOND_NS, blob=random.Random(key).randbytes(size))


def test_a_slice_that_has_its_share_of_the_store_is_cut(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(retention_bytes=16 * MIB)) as writer:
        for first in range(1, 121, 10):
            writer.commit(Batch(finished=[noise(key) for key in range(first, first + 10)]))
    found = bounds(tmp_path)
    assert len(found) > 3
    assert found[0][0] == 0
    assert found[-1][1] <= 1
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(found))
    with Reader(tmp_path) as reader:
        assert [request.path for request in reader.requests(limit=200)] == [
            f"/items/{key}" for key in range(120, 0, -1)
        ]


def test_after_a_cut_a_request_that_began_before_it_still_goes_to_the_earlier_part(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(retention_bytes=16 * MIB)) as writer:
        writer.commit(Batch(finished=[noise(key) for key in range(10, 60)]))
        writer.commit(Batch(finished=[noise(5, 10), noise(60, 10)]))
        writer.commit(Batch(finished=[noise(5, 10), noise(60, 10)]))
    assert counts(tmp_path) == [51, 1]


def test_an_unused_part_of_a_cut_slice_is_made_anew_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(retention_bytes=16 * MIB)
    with open_writer(tmp_path, settings) as writer:
        writer.commit(Batch(finished=[noise(key) for key in range(10, 60)]))
    with open_writer(tmp_path, settings) as writer:
        writer.commit(Batch(finished=[noise(70, 10), noise(59, 10)]))
    assert counts(tmp_path) == [50, 1]
    assert bounds(tmp_path)[1] == (59 * SECOND_NS / HOUR_NS + 1 / HOUR_NS, 1)


def test_more_slices_than_are_open_at_a_time_are_written_and_read(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(slice_s=60), Clock(START_NS + HOUR_NS)) as writer:
        for _ in range(2):
            minutes = [summary(key, start_ns=START_NS + key * 60 * SECOND_NS) for key in range(1, 31)]
            writer.commit(Batch(finished=minutes))
    assert counts(tmp_path) == [1] * 30
    with Reader(tmp_path) as reader:
        listed = reader.requests(sort="dur")
        assert len(listed) == 30
        assert all(reader.trace(request).request == request for request in listed)


# --- files that the list does not know, and the other way round ---


def test_a_slice_whose_file_somebody_removed_is_forgotten(tmp_path: Path) -> None:
    with open_writer(tmp_path, clock=Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(0, 1), at(1, 2)]))
    (tmp_path / "slices" / f"{START_NS}.db").unlink()
    with Reader(tmp_path) as reader:
        assert [request.path for request in reader.requests()] == ["/items/2"]
    with open_writer(tmp_path, clock=Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[at(0, 3)]))
    assert counts(tmp_path) == [1, 1]


def test_a_slice_that_was_being_made_at_a_crash_is_made_anew(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer._loaded().slices._bounds.append((START_NS, START_NS + HOUR_NS))
        writer._loaded().slices.get(START_NS)
    store(tmp_path, [summary(1)])
    assert counts(tmp_path) == [1]


def test_a_slice_that_was_being_removed_at_a_crash_is_removed(tmp_path: Path) -> None:
    store(tmp_path, [summary(1)])
    main = sqlite3.connect(tmp_path / "main.db")
    main.execute("DELETE FROM slices")
    main.execute("UPDATE progress SET dropped_ns = ?", (START_NS + HOUR_NS,))
    main.commit()
    main.close()
    Writer(tmp_path, Settings()).close()
    assert list((tmp_path / "slices").iterdir()) == []


def test_a_slice_of_another_store_is_left_alone_and_named(tmp_path: Path) -> None:
    store(tmp_path, [summary(1)])
    (tmp_path / "main.db").unlink()
    with pytest.raises(StoreUnavailable, match=rf"{START_NS}\.db does not belong to .*main\.db: move it away"):
        Writer(tmp_path, Settings())
    assert (tmp_path / "slices" / f"{START_NS}.db").exists()


def test_other_files_beside_the_slices_are_left_alone(tmp_path: Path) -> None:
    store(tmp_path, [summary(1)])
    (tmp_path / "slices" / "notes.txt").write_text("mine")
    (tmp_path / "slices" / "copy.db").write_bytes(b"mine too")
    with open_writer(tmp_path, clock=Clock(START_NS + 30 * DAY_NS)) as writer:
        writer.commit(Batch(finished=[at(30 * 24, 2)]))
        assert writer.retain(START_NS + 30 * DAY_NS) == 1
    assert {path.name for path in (tmp_path / "slices").iterdir()} >= {"notes.txt", "copy.db"}
