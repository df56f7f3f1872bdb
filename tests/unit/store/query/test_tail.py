"""What was stored since: each request once, in order, whatever slice it went to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scope.store import Batch, Cursor, Reader
from scope.store.query import tail
from tests.unit.store.kit import HOUR_NS, START_NS, Clock, Settings, open_writer, summary, unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from scope.model import RequestSummary


def keys(found: Sequence[RequestSummary]) -> list[int]:
    return [int(request.path.rpartition("/")[2]) for request in found]


def test_the_present_end_is_where_a_tail_begins(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer, Reader(tmp_path) as reader:
        writer.commit(Batch(finished=[summary(1)]))
        found, place = reader.tail()
        assert found == []
        writer.commit(Batch(finished=[summary(3), summary(2)], open=[unfinished(9)]))
        found, place = reader.tail(place)
        assert keys(found) == [2, 3]
        assert reader.tail(place) == ([], place)
        writer.commit(Batch(finished=[summary(9, pieces=1)]))
        found, place = reader.tail(Cursor.parse(str(place)))
        assert keys(found) == [9]


def test_a_tail_runs_over_slices_in_the_order_of_storing(tmp_path: Path) -> None:
    with open_writer(tmp_path, clock=Clock(START_NS + 3 * HOUR_NS)) as writer, Reader(tmp_path) as reader:
        place = Cursor(0)
        seen: list[int] = []
        for key, hour in enumerate((2, 0, 1, 0, 2), 1):
            writer.commit(Batch(finished=[summary(key, start_ns=START_NS + hour * HOUR_NS + key)]))
            found, place = reader.tail(place)
            seen += keys(found)
        assert seen == [1, 2, 3, 4, 5]
        assert sorted(keys(reader.tail(Cursor(0))[0])) == [1, 2, 3, 4, 5]


def test_a_long_tail_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "_ENOUGH", 4)
    monkeypatch.setattr(tail, "_AT_A_TIME", 2)
    with open_writer(tmp_path) as writer, Reader(tmp_path) as reader:
        for first in range(1, 31, 3):
            writer.commit(Batch(finished=[summary(key) for key in range(first, first + 3)]))
        place = Cursor(0)
        parts = []
        while True:
            found, place = reader.tail(place)
            if not found:
                break
            parts.append(keys(found))
        assert parts == [list(range(first, first + 6)) for first in range(1, 31, 6)]


def test_what_main_db_has_not_taken_over_waits(tmp_path: Path) -> None:
    """Blocks of two slices could otherwise be seen out of order, and the earlier one never."""
    with open_writer(tmp_path) as writer, Reader(tmp_path) as reader:
        writer.commit(Batch(finished=[summary(1)]))
        place = reader.tail()[1]
        writer._main.execute("UPDATE progress SET block = block - 1")
        assert reader.tail(Cursor(0))[0] == []
        writer._main.execute("UPDATE progress SET block = block + 1")
        assert keys(reader.tail(Cursor(0))[0]) == [1]
        assert reader.tail(place)[0] == []


def test_late_records_do_not_make_a_request_end_again(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings()) as writer, Reader(tmp_path) as reader:
        writer.commit(Batch(finished=[summary(1)]))
        place = reader.tail()[1]
        writer.commit(Batch(finished=[summary(1, late=1, blob=b"\xffmore", position=9)]))
        assert reader.tail(place)[0] == []


def test_a_place_beyond_the_end_stays_there(tmp_path: Path) -> None:
    open_writer(tmp_path).close()
    with Reader(tmp_path) as reader:
        assert reader.tail(Cursor(77)) == ([], Cursor(77))


def test_a_slice_removed_meanwhile_is_passed_over(tmp_path: Path) -> None:
    with open_writer(tmp_path, Settings(retention_age_s=3600), Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[summary(1), summary(2, start_ns=START_NS + HOUR_NS)]))
    (tmp_path / "slices" / f"{START_NS}.db").unlink()
    with Reader(tmp_path) as reader:
        assert keys(reader.tail(Cursor(0))[0]) == [2]
