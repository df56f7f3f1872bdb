from __future__ import annotations

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

from example_app.seed import PRODUCTS, ensure_database


def one(path: Path, query: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchone()[0]


def test_a_new_database_is_seeded_and_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "shop.sqlite3"
    ensure_database(path, 2)
    assert one(path, "SELECT count(*) FROM product") == PRODUCTS
    assert one(path, "PRAGMA journal_mode") == "wal"
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_existing_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite3"
    ensure_database(path, 2)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM review")
        connection.commit()
    ensure_database(path, 2)
    assert one(path, "SELECT count(*) FROM review") == 0


def test_workers_that_start_at_once_agree_on_one_database(tmp_path: Path) -> None:
    path = tmp_path / "new" / "shop.sqlite3"
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as workers:
        list(workers.map(ensure_database, [path] * 3, [2] * 3))
    assert one(path, "SELECT count(*) FROM product") == PRODUCTS
    assert one(path, "PRAGMA integrity_check") == "ok"
    assert [entry.name for entry in path.parent.iterdir()] == ["shop.sqlite3"]
