"""Connections: who may read the files, and what trouble with them is called."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scope.store import Batch, Reader, StoreBusy, StoreError, StoreFull, StoreUnavailable, Writer
from scope.store.database import insert_all, open_for_reading, open_for_writing, transaction, translated
from scope.store.schema import MAIN
from tests.unit.store.kit import START_NS, Clock, Settings, open_writer, store, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
SLICE = f"{START_NS}.db"
NOBODY = 65534


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "store"
    with open_writer(directory) as writer:
        writer.commit(Batch(finished=[summary()]))
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*") if path.is_file()}
    assert {"main.db", "main.db-wal", "writer.lock", SLICE, f"{SLICE}-wal", f"{SLICE}-shm"} <= found.keys()
    assert set(found.values()) == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / "slices")} == {0o700}


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "main.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreFull, match=r"main\.db"):
        Writer(tmp_path, Settings())
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_no_store_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "main.db").write_bytes(content)
    for opening in (lambda: Reader(tmp_path), lambda: Writer(tmp_path, Settings())):
        with pytest.raises(StoreUnavailable, match=r"main\.db is damaged .* move it away"):
            opening()
    assert (tmp_path / "main.db").read_bytes() == content


def test_a_damaged_slice_is_named_by_readers_and_writers(tmp_path: Path) -> None:
    store(tmp_path, [summary()])
    (tmp_path / "slices" / SLICE).write_bytes(b"rubbish" * 1000)
    with Reader(tmp_path) as reader, pytest.raises(StoreUnavailable, match=rf"{SLICE} is damaged"):
        reader.requests()
    with pytest.raises(StoreUnavailable, match=rf"{SLICE} is damaged"):
        Writer(tmp_path, Settings())


def test_a_truncated_slice_is_no_reason_to_crash(tmp_path: Path) -> None:
    store(tmp_path, [summary(key) for key in range(1, 200)])
    path = tmp_path / "slices" / SLICE
    os.truncate(path, path.stat().st_size // 2)
    with Reader(tmp_path) as reader, pytest.raises(StoreUnavailable, match="damaged"):
        _ = [reader.trace(request) for request in reader.requests(limit=200)]


def test_a_second_writer_is_kept_out_until_the_first_is_gone(tmp_path: Path) -> None:
    with open_writer(tmp_path), pytest.raises(StoreBusy, match="another collector"):
        Writer(tmp_path, Settings())
    Writer(tmp_path, Settings()).close()


@pytest.mark.parametrize("name", ["main.db", f"slices/{SLICE}"])
def test_a_batch_that_met_a_locked_file_can_be_committed_again(tmp_path: Path, name: str) -> None:
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1)]))
        other = sqlite3.connect(tmp_path / name, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        batch = Batch(finished=[summary(2)], heads={1: (7,)})
        for _ in range(2):
            with pytest.raises(StoreBusy, match=rf"{Path(name).name} is locked by another process"):
                writer.commit(batch)
        other.execute("ROLLBACK")
        other.close()
        writer.commit(batch)
        with Reader(tmp_path) as reader:
            assert [request.path for request in reader.requests()] == ["/items/2", "/items/1"]
            assert [route.count for route in reader.routes(START_NS)] == [2]


def test_a_batch_that_found_the_disk_full_can_be_committed_again(tmp_path: Path) -> None:
    """A file that may not grow is what SQLite can be made to take for a full disk."""
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1)]))
        ingest = writer._loaded()
        slice_ = ingest.slices.get(START_NS)
        pages = slice_.connection.execute("PRAGMA page_count").fetchone()[0]
        slice_.connection.execute(f"PRAGMA max_page_count = {pages}")
        batch = Batch(finished=[summary(key) for key in range(2, 500)])
        with pytest.raises(StoreFull, match=rf"no room left for .*{SLICE}: free some disk"):
            writer.commit(batch)
        writer.commit(batch)
        with Reader(tmp_path) as reader:
            assert len(reader.requests(limit=1000)) == 499


AS_NOBODY = """
import os, sys
from pathlib import Path
from scope.store import Reader, StoreError, Writer
from tests.unit.store.kit import Settings
directory = Path(sys.argv[1])
if os.getuid() == 0:
    os.setgroups([])
    os.setgid({nobody})
    os.setuid({nobody})
try:
    {code}
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that other users can reach; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory / "store"
        allow(directory)


def as_nobody(directory: Path, code: str) -> str:
    """What a process prints for which permissions count, as they don't for root."""
    command = [sys.executable, "-c", AS_NOBODY.format(code=code, nobody=NOBODY), str(directory)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def give_away(directory: Path) -> None:
    """Make it nobody's own, where that may be done: a store is only written by its owner."""
    if os.geteuid() == 0:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, NOBODY, -1)


def forbid(directory: Path) -> None:
    for path in directory.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    directory.chmod(0o555)


def allow(directory: Path) -> None:
    directory.chmod(0o755)
    for path in directory.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_writer_without_the_right_to_write_says_where(public: Path) -> None:
    store(public, [summary()])
    give_away(public)
    forbid(public)
    said = as_nobody(public, "Writer(directory, Settings())")
    assert said.startswith("StoreFull cannot write ")
    assert str(public) in said


def test_a_reader_reads_a_store_on_a_medium_that_cannot_be_written(public: Path) -> None:
    """SQLite would make files to share with a writer, and cannot."""
    store(public, [summary()])
    forbid(public)
    assert as_nobody(public, "print([request.path for request in Reader(directory).requests()])") == "['/items/1']\n"


def test_a_directory_without_a_store_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"there is no store in .*: trace a server with `scope run`"):
        Reader(tmp_path / "nothing")


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    store(tmp_path, [summary()])
    connection = open_for_reading(tmp_path / "main.db", MAIN, 0.1)
    with pytest.raises(StoreFull, match="cannot be written"), translated(tmp_path):
        connection.execute("DELETE FROM progress")
    connection.close()


def test_a_transaction_that_raises_leaves_nothing(tmp_path: Path) -> None:
    connection = open_for_writing(tmp_path / "main.db", MAIN, 0.1)
    with pytest.raises(sqlite3.OperationalError, match="missing"), transaction(connection):
        _change_and_fail(connection)
    assert connection.execute("SELECT batch FROM progress").fetchone() == (0,)
    connection.close()


def _change_and_fail(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE progress SET batch = 9")
    connection.execute("DELETE FROM missing")


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 177])
def test_rows_are_inserted_whatever_their_number(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE pairs (a, b)")
    insert_all(connection, "pairs", 2, ((number, str(number)) for number in range(count)))
    assert connection.execute("SELECT * FROM pairs").fetchall() == [(each, str(each)) for each in range(count)]
    connection.close()


def test_an_error_that_is_none_of_ours_is_still_one_of_the_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such table"), translated(tmp_path):
        sqlite3.connect(":memory:").execute("SELECT * FROM missing")


@pytest.mark.parametrize(("code", "expected"), [("SQLITE_IOERR_WRITE", StoreFull), ("SQLITE_LOCKED", StoreBusy)])
def test_what_sqlite_says_is_told_in_our_words(tmp_path: Path, code: str, expected: type[StoreError]) -> None:
    error = sqlite3.OperationalError("said by SQLite")
    error.sqlite_errorcode = getattr(sqlite3, code)
    with pytest.raises(expected), translated(tmp_path):
        raise error


def test_a_store_that_vanishes_while_it_is_opened_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(tmp_path, [summary()])
    path = tmp_path / "main.db"

    def unlink_and_fail(*_: object, **__: object) -> None:
        path.unlink()
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr("scope.store.schema.Schema.check", unlink_and_fail)
    with pytest.raises(FileNotFoundError):
        open_for_reading(path, MAIN, 0.1)


def test_a_clock_is_all_that_a_writer_needs_besides(tmp_path: Path) -> None:
    with Writer(tmp_path, Settings(), clock=Clock()) as writer:
        assert writer.restore().open == ()
