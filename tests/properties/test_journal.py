"""A store whose journal or files are damaged opens, or says with an error of ours that it cannot: nothing else."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scope.store import Batch, StoreError, Writer
from tests.unit.store.kit import DEFINITIONS, SEGMENT, Clock, Settings, summary

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
STATEMENTS = ["definition", "closed", "open", "piece", "minute", "head", "slice", "block", "loss", "shape", "nonsense"]
VALUES = st.one_of(
    st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=20),
)


@pytest.fixture(scope="module")
def store() -> Iterator[Path]:
    """A store killed after its slice was committed and before main.db followed."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with Writer(directory, Settings(), clock=Clock()) as writer:
            number = writer.register(SEGMENT)
            writer.commit(Batch(finished=[summary(8)]))
        main = next(directory.glob("**/main.db"))
        before = main.read_bytes()
        with Writer(directory, Settings(), clock=Clock()) as writer:
            writer.commit(
                Batch(
                    finished=[summary(1), summary(2)],
                    open=[summary(3, state=0, kind=1)],
                    definitions={number: (1, DEFINITIONS)},
                    heads={number: (512, 3)},
                )
            )
        main.write_bytes(before)
        yield directory


def open_and_use(directory: Path) -> None:
    """What a collector does that takes up the store."""
    with Writer(directory, Settings(), clock=Clock(), timeout_s=0.1) as writer:
        writer.restore()
        number = writer.register(SEGMENT)
        writer.commit(Batch(finished=[summary(9, segment=number)]))


def check(store: Path, damage: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "store"
        shutil.copytree(store, directory)
        damage(directory)
        try:
            open_and_use(directory)
        except StoreError as error:
            assert str(error)  # noqa: PT017 - an error is allowed, not expected


def slice_of(directory: Path) -> Path:
    return next(directory.glob("**/slices/*.db"))


def test_a_sound_journal_is_carried_out(store: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "store"
        shutil.copytree(store, directory)
        open_and_use(directory)


@settings(UNHURRIED, max_examples=60)
@given(st.integers(0, 40), st.integers(1, 20), VALUES)
@example(5, 1, None)
def test_damaged_rows_of_the_journal(store: Path, row: int, column: int, value: object) -> None:
    def damage(directory: Path) -> None:
        with sqlite3.connect(slice_of(directory)) as slice_:
            count = slice_.execute("SELECT count(*) FROM journal").fetchone()[0]
            sql = f"UPDATE journal SET c{column} = ? WHERE rowid = (SELECT rowid FROM journal LIMIT 1 OFFSET ?)"
            slice_.execute(sql, (value, row % count))
        slice_.close()

    check(store, damage)


@settings(UNHURRIED, max_examples=30)
@given(st.integers(1, 40), st.sampled_from(STATEMENTS))
@example(1, "nonsense")
def test_rows_of_the_journal_under_another_statement(store: Path, row: int, statement: str) -> None:
    def damage(directory: Path) -> None:
        with sqlite3.connect(slice_of(directory)) as slice_:
            count = slice_.execute("SELECT count(*) FROM journal").fetchone()[0]
            sql = "UPDATE journal SET statement = ? WHERE rowid = (SELECT rowid FROM journal LIMIT 1 OFFSET ?)"
            slice_.execute(sql, (statement, 1 + row % (count - 1)))
        slice_.close()

    check(store, damage)


@settings(UNHURRIED, max_examples=60)
@given(st.booleans(), st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_files(store: Path, of_slice: bool, changes: list[tuple[int, int]]) -> None:
    def damage(directory: Path) -> None:
        path = slice_of(directory) if of_slice else next(directory.glob("**/main.db"))
        data = bytearray(path.read_bytes())
        for place, value in changes:
            data[place % len(data)] = value
        path.write_bytes(data)

    check(store, damage)
