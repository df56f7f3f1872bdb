"""The schema's versions: old files are brought up to date, newer ones refused, nothing is left half done."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from scope.store import Batch, Reader, StoreUnavailable, Writer, schema
from scope.store.ingest import slice as slices
from scope.store.ingest import writer as writers
from scope.store.query import archive
from scope.store.schema import MAIN, SLICE, Schema
from tests.unit.store.kit import START_NS, Clock, Settings, open_writer, store, summary

if TYPE_CHECKING:
    from pathlib import Path

NEXT_MAIN = Schema(
    "main", (*MAIN.steps, lambda: "ALTER TABLE progress ADD COLUMN owner TEXT NOT NULL DEFAULT 'nobody'")
)
NEXT_SLICE = Schema("slice", (*SLICE.steps, lambda: "CREATE TABLE costs AS SELECT request, 7 AS cost FROM requests"))
BROKEN = Schema("main", (*MAIN.steps, lambda: "CREATE TABLE halfway (a); INSERT INTO nowhere VALUES (1)"))


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(sql).fetchall()
    connection.close()
    return found


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """This program, as if one step further."""
    monkeypatch.setattr(writers, "MAIN", NEXT_MAIN)
    monkeypatch.setattr(slices, "SLICE", NEXT_SLICE)
    monkeypatch.setattr(archive, "MAIN", NEXT_MAIN)
    monkeypatch.setattr(archive, "SLICE", NEXT_SLICE)


@pytest.mark.parametrize("which", [MAIN, SLICE])
def test_a_new_file_gets_every_step(which: Schema, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    which.migrate(connection, tmp_path / "new.db")
    assert connection.execute("PRAGMA user_version").fetchone() == (which.version,)
    which.migrate(connection, tmp_path / "new.db")
    connection.close()


@pytest.mark.usefixtures("newer")
def test_a_writer_brings_an_older_store_up_to_date_with_what_is_in_it(tmp_path: Path) -> None:
    """The older store is made by a schema of one step less."""
    with pytest.MonkeyPatch.context() as older:
        older.setattr(writers, "MAIN", MAIN)
        older.setattr(slices, "SLICE", SLICE)
        store(tmp_path, [summary(1)])
    assert rows(tmp_path / "main.db", "PRAGMA user_version") == [(MAIN.version,)]
    Writer(tmp_path, Settings(), clock=Clock()).close()
    assert rows(tmp_path / "main.db", "PRAGMA user_version") == [(NEXT_MAIN.version,)]
    assert rows(tmp_path / "main.db", "SELECT route, owner FROM endpoints, progress") == [("/items/{id}", "nobody")]
    assert rows(
        tmp_path / "slices" / f"{START_NS}.db", "SELECT path, cost FROM requests JOIN costs USING (request)"
    ) == [("/items/1", 7)]
    with Reader(tmp_path) as reader:
        assert [request.path for request in reader.requests()] == ["/items/1"]


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "main.db"
    connection = sqlite3.connect(path, isolation_level=None)
    MAIN.migrate(connection, path)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        BROKEN.migrate(connection, path)
    connection.close()
    assert rows(path, "PRAGMA user_version") == [(MAIN.version,)]
    assert rows(path, "SELECT 1 FROM sqlite_schema WHERE name = 'halfway'") == []


def test_a_store_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as later:
        later.setattr(writers, "MAIN", NEXT_MAIN)
        Writer(tmp_path, Settings(), clock=Clock()).close()
    for opening in (lambda: Reader(tmp_path), lambda: Writer(tmp_path, Settings())):
        with pytest.raises(StoreUnavailable, match=r"main.db was written by a newer version .* upgrade"):
            opening()
    assert rows(tmp_path / "main.db", "PRAGMA user_version") == [(NEXT_MAIN.version,)]


@pytest.mark.usefixtures("newer")
def test_a_reader_of_an_older_store_says_what_brings_it_up_to_date(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as older:
        older.setattr(writers, "MAIN", MAIN)
        older.setattr(slices, "SLICE", SLICE)
        store(tmp_path, [summary(1)])
    with pytest.raises(StoreUnavailable, match="scope collect --once"):
        Reader(tmp_path)


def test_a_file_that_is_being_made_is_not_there_yet(tmp_path: Path) -> None:
    """A reader may come at any time, also to the directory of a writer that starts, or between two parts of a slice."""
    store(tmp_path / "one", [summary(1)])
    (tmp_path / "one" / "slices" / f"{START_NS}.db").write_bytes(b"")
    with Reader(tmp_path / "one") as reader:
        assert reader.requests() == []
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "main.db").touch()
    with pytest.raises(StoreUnavailable, match="there is no store in"):
        Reader(tmp_path / "two")


def test_the_scripts_are_read_from_the_package() -> None:
    assert "CREATE TABLE requests" in schema.MAIN.steps[0]()
    assert "CREATE TABLE blocks" in schema.SLICE.steps[0]()


def test_what_an_older_version_left_to_take_over_is_taken_over_after_the_migration(tmp_path: Path) -> None:
    """A crash between the commits of a slice and of main.db, then an upgrade."""
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=[summary(1)]))
    connection = sqlite3.connect(tmp_path / "main.db", isolation_level=None)
    connection.execute("UPDATE progress SET batch = batch - 1")
    connection.execute("DELETE FROM minutes")
    connection.execute("DELETE FROM endpoints")
    connection.execute("DELETE FROM residents")
    connection.close()
    with pytest.MonkeyPatch.context() as later:
        later.setattr(writers, "MAIN", NEXT_MAIN)
        later.setattr(slices, "SLICE", NEXT_SLICE)
        Writer(tmp_path, Settings(), clock=Clock()).close()
    assert rows(tmp_path / "main.db", "SELECT requests FROM minutes") == [(1,)]
