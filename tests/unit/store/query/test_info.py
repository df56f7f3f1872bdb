"""What is kept, in numbers that add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scope.store import Batch, Reader
from scope.store.files import StoreFiles
from scope.store.schema import MAIN
from tests.unit.store.kit import HOUR_NS, OTHER, SEGMENT, START_NS, Clock, open_writer, summary, unfinished

if TYPE_CHECKING:
    from pathlib import Path


def test_everything_kept_is_counted(tmp_path: Path) -> None:
    with open_writer(tmp_path, clock=Clock(START_NS + HOUR_NS)) as writer:
        finished = [*(summary(key) for key in range(1, 31)), summary(50, start_ns=START_NS + HOUR_NS)]
        losses = {1: {"lapped": 7, "full": 0}, 2: {}}
        writer.commit(Batch(finished=finished, open=[unfinished(60)], losses=losses))
        writer.commit(Batch(losses={1: {"lapped": 5, "full": 3}}))
        with Reader(tmp_path) as reader:
            info = reader.info()
    assert (info.directory, info.schema_version) == (str(tmp_path), MAIN.version)
    assert (info.requests, info.open_requests) == (31, 1)
    assert [(each.start_ns, each.end_ns, each.requests) for each in info.slices] == [
        (START_NS, START_NS + HOUR_NS, 30),
        (START_NS + HOUR_NS, START_NS + 2 * HOUR_NS, 1),
    ]
    assert info.bytes == info.main_bytes + sum(each.bytes for each in info.slices)
    assert [(each.uuid, each.pid, each.ended, each.lost) for each in info.segments] == [
        (SEGMENT.uuid, 4711, False, {"full": 3, "lapped": 7}),
        (OTHER.uuid, 4712, False, {}),
    ]


def test_a_slice_whose_file_has_gone_is_not_counted(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1)]))
    (tmp_path / "slices" / f"{START_NS}.db").unlink()
    with Reader(tmp_path) as reader:
        assert (reader.info().slices, reader.info().requests) == ((), 0)


def test_files_that_are_not_there_take_no_room(tmp_path: Path) -> None:
    files = StoreFiles(tmp_path / "nothing")
    assert files.total_bytes() == 0
    assert files.slice_starts() == []
