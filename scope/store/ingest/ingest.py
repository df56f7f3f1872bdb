"""The commit of a batch, and all that the writer remembers of what is stored.

What is remembered (names, numbers, open requests) runs ahead of the disk while a batch is being stored. So after any
failure all of it is thrown away and read anew, which also takes over what a slice has and main.db has not: see journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from struct import pack
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..batch import Columns, SegmentInfo, Summary
from ..bins import bins_of
from ..database import transaction, translated
from ..identity import identity, signed
from ..process_records import ProcessRecord
from .definitions import Definitions
from .endpoints import Endpoints
from .faults import count_faults
from .journal import Journal
from .late import append_late
from .looks import Looks
from .notes import NOTHING
from .open_requests import OpenRequests
from .prepared import identities, prepare
from .rollup import minute_rows, tally
from .slices import Slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..batch import Batch
    from ..database import Row
    from ..files import StoreFiles
    from .prepared import Prepared
    from .slice import Slice
    from .slices import StoreSettings

__all__ = ["Ingest"]

_Rows = Sequence[tuple[Any, ...]]

_MANY_EVENTS: Final = 1_000
"""From so many on the records of a request that took long are copied part by part."""


class _Share(NamedTuple):
    """The part of a batch's finished requests that goes to the slice that starts at ``start``.

    ``requests`` are the numbers of those in ``columns``.
    """

    start: int
    columns: Columns | None
    requests: Sequence[int]
    late: Sequence[Summary]

    @classmethod
    def of(cls, start: int, columns: Columns | None, late: Sequence[Summary] = ()) -> _Share:
        return cls(start, columns, identities(columns) if columns else (), late)

    def segments(self) -> set[int]:
        late = {each.segment for each in self.late}
        return late.union(self.columns.segment) if self.columns else late

    def without(self, stored: set[int]) -> _Share:
        """The same with each request once, and with those ``stored`` taken for what comes late."""
        rows = zip(*(self.columns or ()), strict=True)
        fresh = dict(zip(reversed(self.requests), reversed(list(rows)), strict=True))
        left = [row for request, row in fresh.items() if request not in stored]
        again = [Summary(*row) for request, row in fresh.items() if request in stored]
        return _Share.of(self.start, Columns.of(left[::-1]) if left else None, (*again, *self.late))


class Ingest:
    """Stores batches; unusable after an exception in :meth:`commit`."""

    def __init__(
        self,
        main: sqlite3.Connection,
        files: StoreFiles,
        settings: StoreSettings,
        clock: Callable[[], int],
        timeout_s: float,
    ) -> None:
        self._main = main
        self._files = files
        with translated(files.main):
            self.slices = Slices(main, files, settings, clock, timeout_s)
        try:
            with translated(files.main):
                self._load()
        except BaseException:
            self.slices.close()
            raise

    def close(self) -> None:
        self.slices.close()

    def forget_segments(self) -> None:
        """Forget the ended segments of which no slice has a request."""
        with transaction(self._main):
            self.slices.forget([])
        left = {number for (number,) in self._main.execute("SELECT number FROM segments")}
        for number in self.segments.keys() - left:
            del self.segments[number]
        self._looks.clear()

    def commit(self, batch: Batch) -> None:
        self._check(batch)
        journal = Journal()
        self._learn(batch, journal)
        shares = self._share_out(batch.finished)
        for share in shares[:-1]:
            self._store(share, Journal())
        journal.add("head", ((segment, pack(f"<{len(lanes)}Q", *lanes)) for segment, lanes in batch.heads.items()))
        for segment, losses in batch.losses.items():
            journal.add("loss", ((segment, reason, events) for reason, events in losses.items()))
        for segment, rows in batch.lane_losses.items():
            journal.add("lane_loss", ((segment, *row) for row in rows))
        for segment, records in batch.process.items():
            journal.add("process_event", (self._process_row(segment, record) for record in records))
        if shares:
            self._store(shares[-1], journal, batch.open)
        else:
            self.open.record(batch.open, self._looks, self._batch + 1, journal)
            self._apply(journal)

    def _load(self) -> None:
        self._batch: int = self._main.execute("SELECT batch FROM progress").fetchone()[0]
        for number, journal in self.slices.pending(self._batch):
            journal.apply(self._main, number)
            self._batch = number
        self._block: int = self._main.execute("SELECT block FROM progress").fetchone()[0]
        self.segments = {
            number: SegmentInfo(*info)
            for number, *info in self._main.execute("SELECT number, uuid, pid, service, host, started_ns FROM segments")
        }
        self.definitions = Definitions.load(self._main)
        self.open = OpenRequests(self._main)
        self._endpoints = Endpoints(self._main)
        self._looks = Looks(self.segments, self.definitions, self._endpoints)

    def _check(self, batch: Batch) -> None:
        used = {row[0] for rows in (batch.finished, batch.open) for row in rows}
        strange = (
            used.union(batch.definitions, batch.heads, batch.losses, batch.lane_losses, batch.process)
            - self.segments.keys()
        )
        if strange:
            raise ValueError(f"segment {min(strange)} is not registered with this store")

    def _learn(self, batch: Batch, journal: Journal) -> None:
        for segment, (first, entries) in batch.definitions.items():
            rows = self.definitions.learn(segment, first, entries)
            journal.add("definition", rows)
            if rows:
                self._looks.clear()

    def _process_row(self, segment: int, record: ProcessRecord) -> Row:
        """Names stand in the row itself, as the definitions of a process go when it does."""
        site = self.definitions.find(segment, record.site)
        name, file, line = (site.name, site.file, site.line) if site else ("", "", 0)
        at = ProcessRecord._fields.index("site")
        return (segment, *record[:at], name, file, line, *record[at + 1 :])

    # --- finished requests --------------------------------------------------------------------------------------------

    def _share_out(self, rows: _Rows) -> list[_Share]:
        """The finished requests by slice, the oldest first."""
        if not rows:
            return []
        columns = Columns.of(rows)
        if not any(columns.late) and 0 not in columns.kind:
            first = self.slices.of_start(min(columns.start_ns))
            if first == self.slices.of_start(max(columns.start_ns)):
                return [_Share.of(first, columns)]
        return self._share_out_one_by_one(rows)

    def _share_out_one_by_one(self, rows: _Rows) -> list[_Share]:
        fresh: dict[int, list[tuple[Any, ...]]] = {}
        late: dict[int, list[Summary]] = {}
        homes: dict[int, int] = {}
        for row in rows:
            summary = Summary(*row)
            request = identity(summary.segment, summary.key)
            home = None
            if summary.late or not summary.kind:
                home = homes[request] if request in homes else self.slices.of_request(request)
            if home is not None:
                late.setdefault(home, []).append(summary)
            else:
                home = homes[request] = self.slices.of_start(summary.start_ns)
                fresh.setdefault(home, []).append(row)
        return [
            _Share.of(start, Columns.of(fresh[start]) if start in fresh else None, late.get(start, ()))
            for start in sorted(fresh.keys() | late.keys())
        ]

    def _store(self, share: _Share, journal: Journal, unfinished: _Rows = ()) -> None:
        slice_ = self.slices.get(share.start)
        ended = {*share.requests, *(identity(late.segment, late.key) for late in share.late)}
        with translated(slice_.path):
            try:
                self._write(slice_, share, ended, journal, unfinished)
            except sqlite3.IntegrityError:  # some of it was stored before
                self._write(slice_, share.without(slice_.known(share.requests)), ended, journal, unfinished)
        self._apply(journal)
        self.slices.cut_if_large(share.start)

    def _write(self, slice_: Slice, share: _Share, ended: set[int], journal: Journal, unfinished: _Rows) -> None:
        """Store ``share`` in one transaction, with the journal of all that it changes in main.db.

        ``ended`` are the requests that are no longer open, stored now or before; ``unfinished`` are those that are, and
        what came after the end of one of the others.
        """
        with slice_.transaction():
            if share.columns:
                self._insert(slice_, share.columns, share.requests, journal)
            for late in share.late:
                self._append(slice_, late, journal)
            self._introduce(slice_, share, journal)
            self.open.close(ended, journal)
            self.open.record(unfinished, self._looks, self._batch + 1, journal)
            journal.add("endpoint", self._endpoints.take_fresh())
            journal.add("slice", [(share.start, self._block)])
            journal.add("block", [(self._block,)])
            journal.save(slice_.connection, self._batch + 1)

    def _insert(self, slice_: Slice, columns: Columns, requests: Sequence[int], journal: Journal) -> None:
        prepared = prepare(columns, requests, self._looks, self.open.noted(requests))
        blobs, further = self._blobs(prepared)
        self._block = slice_.insert(prepared, blobs, self._block + 1)
        for request, parts in further.items():
            slice_.append(request, parts)
        totals = tally(columns, prepared.looks, bins_of(prepared.durations_ns))
        journal.add("minute", minute_rows(totals))
        count_faults(prepared, journal)

    def _append(self, slice_: Slice, late: Summary, journal: Journal) -> None:
        """Add what came late, with the pieces of it that were handed over before it was known to be late."""
        request = identity(late.segment, late.key)
        if late.pieces:
            late = late._replace(blob=b"".join((*self.open.records([request]).get(request, ()), late.blob)))
        append_late(slice_, late, self.open.noted([request]).get(request, NOTHING), journal)

    def _blobs(self, prepared: Prepared) -> tuple[Sequence[bytes], dict[int, Iterator[tuple[int, bytes]]]]:
        """The records of each request, those that it handed over while it was open first.

        Of long ones only the first part; by request, what is to be appended to them, so that it need not be in memory
        at a time.
        """
        columns = prepared.columns
        if not any(columns.pieces):
            return columns.blob, {}
        blobs = list(columns.blob)
        further: dict[int, Iterator[tuple[int, bytes]]] = {}
        continued = [index for index, pieces in enumerate(columns.pieces) if pieces]
        short = [index for index in continued if columns.events[index] < _MANY_EVENTS]
        before = self.open.records(prepared.requests[index] for index in short)
        for index in short:
            blobs[index] = b"".join((*before.get(prepared.requests[index], ()), blobs[index]))
        for index in set(continued).difference(short):
            request = prepared.requests[index]
            further[request] = self.open.parts(request, (signed(columns.position[index]), blobs[index]))
            blobs[index] = next(further[request])[1]
        return blobs, further

    def _introduce(self, slice_: Slice, share: _Share, journal: Journal) -> None:
        """See to it that the slice can be read by itself: it has every segment's name and definitions."""
        for segment in share.segments():
            have = slice_.definitions(segment)
            if have is None:
                slice_.introduce(segment, self.segments[segment])
                journal.add("resident", [(segment, share.start)])
            if (have or 0) < self.definitions.count(segment):
                slice_.define(segment, self.definitions.rows(segment, have or 0))

    def _apply(self, journal: Journal) -> None:
        with translated(self._files.main):
            journal.apply(self._main, self._batch + 1)
        self._batch += 1
