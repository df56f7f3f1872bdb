"""The records of every request in a store, request by request, read from its files and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scope.store.blocks import OpenBlock, decompress
from scope.store.identity import segment_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATES = "SELECT request, events, lost, state, complete FROM requests JOIN shapes ON shapes.id = shape"


@dataclass(frozen=True, slots=True)
class Row:
    """What the store's lists say of a request; ``uuid`` is its segment's, ``request`` its number in the store."""

    uuid: str
    request: int
    state: str
    complete: bool
    events: int
    lost: int


def slices(store: Path) -> list[Path]:
    return sorted((store / "slices").glob("*.db"))


def read_slice(path: Path) -> Iterator[tuple[Row, bytes]]:
    """Every request of a slice with its records, those that came late behind the others."""
    with closing(_open(path)) as database:
        rows = _rows(database)
        late: dict[int, bytes] = {}
        for request, data in database.execute("SELECT request, data FROM pieces ORDER BY rowid"):
            late[request] = late.get(request, b"") + decompress(data)
        for requests, sizes, data in database.execute("SELECT requests, sizes, data FROM blocks ORDER BY block"):
            block = OpenBlock(requests, sizes, data)
            for number in memoryview(requests).cast("q"):
                yield rows.pop(number), block.records(number) + late.pop(number, b"")
    if rows or late:
        raise ValueError(f"{path}: {len(rows)} requests without records, records without {len(late)} requests")


def read_open(store: Path) -> list[Row]:
    """The requests that are still open; there should be none once every process is dead and stored."""
    with closing(_open(store / "main.db")) as database:
        return list(_rows(database).values())


def left_pieces(store: Path) -> int:
    """Pieces of open requests that are left."""
    with closing(_open(store / "main.db")) as database:
        count: int = database.execute("SELECT count(*) FROM pieces").fetchone()[0]
        return count


def losses(store: Path) -> dict[str, dict[str, int]]:
    """What the store counts as lost, by the segment's uuid and by reason."""
    found: dict[str, dict[str, int]] = {}
    with closing(_open(store / "main.db")) as database:
        sql = "SELECT uuid, reason, events FROM losses JOIN segments ON number = segment"
        for uuid, reason, events in database.execute(sql):
            found.setdefault(uuid, {})[reason] = events
    return found


def outside(store: Path) -> dict[str, int]:
    """How many events that processes wrote outside any request are stored, by the segment's uuid."""
    with closing(_open(store / "main.db")) as database:
        sql = (
            "SELECT uuid, count(*) FROM process_events JOIN segments ON number = segment WHERE lane >= 0 GROUP BY uuid"
        )
        return dict(database.execute(sql).fetchall())


def _rows(database: sqlite3.Connection) -> dict[int, Row]:
    uuids = dict(database.execute("SELECT number, uuid FROM segments").fetchall())
    return {
        request: Row(uuids[segment_of(request)], request, state, bool(complete), events, lost)
        for request, events, lost, state, complete in database.execute(STATES)
    }


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)
