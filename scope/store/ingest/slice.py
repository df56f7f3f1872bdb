"""One slice, open for writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..blocks import Contents, OpenBlock, compress, decompress, pack_blocks
from ..database import insert_all, insert_columns, open_for_writing, transaction, translated
from ..schema import SLICE
from .faults import exception_rows
from .shapes import Shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ..batch import SegmentInfo
    from ..database import Row
    from .prepared import Prepared

__all__ = ["Slice"]

_ID: Final = 6
"""Index of the id in a row of the table of requests."""

_MAX_BLOCKS: Final = 8


class Slice:
    """The requests that began within a slice of time; whoever made it closes it.

    ``latest_ns`` is the latest start in it. The methods that write want to be called within :meth:`transaction`; after
    an exception in one the slice must be closed, because what it remembers may not be stored.
    """

    def __init__(self, path: Path, bounds: tuple[int, int], timeout_s: float) -> None:
        """Open the slice at ``path``; without a file it is made to cover ``bounds``."""
        self.path = path
        self.connection = open_for_writing(path, SLICE, timeout_s)
        with translated(path):
            self.connection.execute("INSERT OR IGNORE INTO slice VALUES (1, ?, ?)", bounds)
            self.latest_ns: int = self._one("SELECT coalesce(max(start_ns), 0) FROM requests")[0]
            self._page_bytes: int = self._one("PRAGMA page_size")[0]
            self._shapes = Shapes(self.connection)
            self._definitions = self._count_definitions()
            self._blocks: dict[int, OpenBlock] = {}

    def close(self) -> None:
        self.connection.close()

    def size_bytes(self) -> int:
        pages: int = self._one("PRAGMA page_count")[0]
        return pages * self._page_bytes

    def transaction(self) -> AbstractContextManager[None]:
        return transaction(self.connection)

    def known(self, requests: Iterable[int]) -> set[int]:
        """Those of ``requests`` that are stored here."""
        return {request for request in requests if self.holds(request)}

    def holds(self, request: int) -> bool:
        return self.connection.execute("SELECT 1 FROM requests WHERE request = ?", (request,)).fetchone() is not None

    def definitions(self, segment: int) -> int | None:
        """How many definitions of ``segment`` are here; None when the segment is not."""
        return self._definitions.get(segment)

    def introduce(self, number: int, info: SegmentInfo) -> None:
        """Store who ``number`` is."""
        row = (number, info.uuid, info.pid, info.service, info.host, info.started_ns)
        self.connection.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?, ?, 0)", row)
        self._definitions[number] = 0

    def define(self, segment: int, rows: Sequence[Row]) -> None:
        """Store further definitions of ``segment``."""
        insert_all(self.connection, "definitions", 3, rows)
        self._definitions[segment] += len(rows)

    def insert(self, prepared: Prepared, blobs: Sequence[bytes], first_block: int) -> int:
        """Store requests in blocks numbered from ``first_block`` on; the number of the last.

        Raises sqlite3.IntegrityError, and remembers nothing, when one of them is stored here already.
        """
        columns = prepared.columns
        blocks, places = pack_blocks(
            first_block, Contents(prepared.requests, blobs, columns.trace_id, columns.span_id, columns.id)
        )
        shapes = list(map(self._shapes.__getitem__, prepared.looks))
        insert_columns(self.connection, "requests", prepared.bound_columns(shapes, places), empty_is_null=_ID)
        self._insert_shapes()
        insert_all(self.connection, "blocks", 7, blocks)
        self._index(prepared)
        self.latest_ns = max(self.latest_ns, *columns.start_ns)
        return blocks[-1].block

    def append(self, request: int, parts: Iterable[tuple[int, bytes]]) -> None:
        """Store further records of a request that is here, in parts with the ring positions at which they begin."""
        for position, data in parts:
            piece = (request, position, compress(data))
            self.connection.execute("INSERT OR IGNORE INTO pieces VALUES (?, ?, ?)", piece)

    def records(self, request: int) -> Iterator[bytes]:
        """The records of a request stored here, piece by piece."""
        (number,) = self._one("SELECT block FROM requests WHERE request = ?", request)
        yield self._block(number).records(request)
        for (data,) in self.connection.execute("SELECT data FROM pieces WHERE request = ? ORDER BY rowid", (request,)):
            yield decompress(data)

    def _block(self, number: int) -> OpenBlock:
        """A block, which never changes; some are kept, as what comes late does so soon and for many of a block."""
        block = self._blocks.pop(number, None)
        if block is None:
            block = OpenBlock(*self._one("SELECT requests, sizes, data FROM blocks WHERE block = ?", number))
        while len(self._blocks) >= _MAX_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        self._blocks[number] = block
        return block

    def _insert_shapes(self) -> None:
        if self._shapes.rows:
            insert_all(self.connection, "shapes", 10, self._shapes.rows)
            insert_all(self.connection, "span_names", 2, self._shapes.names)
            self._shapes.stored()

    def _index(self, prepared: Prepared) -> None:
        if prepared.noted:
            insert_all(self.connection, "attributes", 4, prepared.attribute_rows(), instead="INSERT OR IGNORE")
            insert_all(self.connection, "exceptions", 2, exception_rows(prepared))

    def _count_definitions(self) -> dict[int, int]:
        counts = dict.fromkeys((number for (number,) in self.connection.execute("SELECT number FROM segments")), 0)
        counts.update(self.connection.execute("SELECT segment, count(*) FROM definitions GROUP BY segment"))
        return counts

    def _one(self, sql: str, *values: int) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self.connection.execute(sql, values).fetchone()
        return row
