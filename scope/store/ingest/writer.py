"""The writer: what the collector holds of the store."""

from __future__ import annotations

import sqlite3
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from ..batch import Batch, OpenRequest, Restored, SegmentInfo
from ..database import open_for_writing, transaction, translated
from ..errors import StoreError, StoreUnavailable
from ..files import StoreFiles
from ..identity import MAX_SEGMENTS, key_of, segment_of
from ..schema import MAIN
from .ingest import Ingest
from .lock import WriterLock
from .retention import drop_slices, trim_process_events, trim_rollups
from .sane import sane

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator
    from pathlib import Path
    from types import TracebackType

    from ..batch import LaneLoss
    from .slices import StoreSettings

__all__ = ["Writer"]

_TIMEOUT_S: Final = 5.0
_UNSTORABLE: Final = (OverflowError, UnicodeEncodeError, struct.error)
_SIGNS_OF_DAMAGE: Final = (LookupError, TypeError, ValueError, struct.error, sqlite3.IntegrityError)


class Writer:
    """The one writer of the store in ``directory``, which is made if need be; a context manager.

    Every method is whole or without effect, also when the process is killed within it: after a failure the same call
    can be made again, and :meth:`commit` stores nothing twice. Raises StoreBusy while another writer lives or a lock is
    not let go for ``timeout_s``, StoreFull where the disk doesn't take what is written, StoreUnavailable for files that
    are damaged or of a newer version. ``clock`` gives Unix nanoseconds.
    """

    def __init__(
        self,
        directory: Path,
        config: StoreSettings,
        *,
        clock: Callable[[], int] = time.time_ns,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._files = StoreFiles(directory)
        self._config = config
        self._clock = clock
        self._timeout_s = timeout_s
        self._ingest: Ingest | None = None
        with translated(directory):
            self._files.make_directories()
        self._lock = WriterLock(self._files.lock)
        try:
            self._main = open_for_writing(self._files.main, MAIN, timeout_s)
        except BaseException:
            self._lock.release()
            raise
        try:
            with self._guarded():
                pass
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._distrust()
        self._main.close()
        self._lock.release()

    def register(self, segment: SegmentInfo) -> int:
        """The number of ``segment`` in this store, the same whenever asked for its uuid."""
        with self._guarded() as ingest:
            known = next((number for number, info in ingest.segments.items() if info.uuid == segment.uuid), None)
            number = _free_number(ingest.segments) if known is None else known
            row = (number, segment.uuid, segment.pid, segment.service, segment.host, segment.started_ns)
            with transaction(self._main):
                self._main.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?, ?, 0)", row)
            ingest.segments[number] = segment
            return number

    def commit(self, batch: Batch) -> None:
        """Store ``batch``; a request that is stored already is left as it is.

        Raises ValueError for segments that were not registered, and for definitions that don't follow those stored.
        """
        try:
            self._commit(batch)
        except _UNSTORABLE:
            self._commit(sane(batch))

    def _commit(self, batch: Batch) -> None:
        """A damaged store that opened shows when what was read of it is used; what a batch lacks is its own."""
        signs = (TypeError, sqlite3.IntegrityError)
        with self._guarded() as ingest, self._doubting(signs, unless=sqlite3.SQLITE_CONSTRAINT_NOTNULL):
            ingest.commit(batch)

    def restore(self) -> Restored:
        """What a collector needs to take up where the last one ended."""
        with self._guarded() as ingest, self._doubting():
            uuids = {number: info.uuid for number, info in ingest.segments.items()}
            heads = self._main.execute("SELECT segment, lanes FROM heads").fetchall()
            told: dict[str, list[LaneLoss]] = {}
            for segment, *loss in self._main.execute("SELECT segment, lane, reason, events FROM lane_losses"):
                told.setdefault(uuids[segment], []).append((loss[0], loss[1], loss[2]))
            pieces = ingest.open.records(ingest.open)
            return Restored(
                open=tuple(
                    OpenRequest(uuids[segment_of(request)], key_of(request), tuple(pieces.get(request, ())))
                    for request in sorted(ingest.open)
                ),
                heads={uuids[segment]: struct.unpack(f"<{len(lanes) // 8}Q", lanes) for segment, lanes in heads},
                definitions={uuids[segment]: count for segment, count in ingest.definitions.counts().items()},
                lane_losses=told,
            )

    def drop_segment(self, number: int) -> None:
        """The process is gone and everything it wrote is stored; what of it is open yet is stored as aborted."""
        with self._guarded() as ingest:
            info = ingest.segments.get(number)
            left = ingest.open.cut_off(number, info.started_ns) if info else []
            if left:
                ingest.commit(Batch(finished=left))
            with transaction(self._main):
                self._main.execute("DELETE FROM heads WHERE segment = ?", (number,))
                self._main.execute("DELETE FROM definitions WHERE segment = ?", (number,))
                self._main.execute("UPDATE segments SET ended = 1 WHERE number = ?", (number,))
            ingest.definitions.forget(number)

    def drop_absent(self, present: Collection[str]) -> None:
        """Drop every segment whose uuid is not ``present``: its file is gone, and nothing more will come of it."""
        with self._guarded():
            left = self._main.execute("SELECT number, uuid FROM segments WHERE NOT ended").fetchall()
        for number, uuid in left:
            if uuid not in present:
                self.drop_segment(number)

    def retain(self, now_ns: int) -> int:
        """Remove slices that are too old or beyond the size that is kept; how many were removed.

        Costs next to nothing when there is nothing to do, and never more than unlinking files and a few statements.
        """
        with self._guarded() as ingest:
            dropped = drop_slices(self._files, ingest.slices, self._config, now_ns)
            trim_rollups(self._main, self._config, now_ns)
            trimmed = trim_process_events(self._main, ingest.slices, self._config, now_ns)
            ingest.open.prune_shapes()
            if dropped or trimmed:
                ingest.forget_segments()
            return dropped

    @contextmanager
    def _guarded(self) -> Generator[Ingest]:
        """What is remembered, read first if need be; forgotten if the block raises, as it may be ahead of the disk."""
        try:
            with translated(self._files.directory):
                yield self._loaded()
        except BaseException:
            self._distrust()
            raise

    def _loaded(self) -> Ingest:
        if self._ingest is None:
            with self._doubting():
                self._ingest = Ingest(self._main, self._files, self._config, self._clock, self._timeout_s)
        return self._ingest

    @contextmanager
    def _doubting(
        self, signs: tuple[type[Exception], ...] = _SIGNS_OF_DAMAGE, unless: int | None = None
    ) -> Generator[None]:
        """Around what reads the store back: SQLite vouches for pages, not for what is in them.

        An error of SQLite with the code ``unless`` is none of the store's.
        """
        try:
            yield
        except signs as error:
            if unless is not None and getattr(error, "sqlite_errorcode", None) == unless:
                raise
            raise StoreUnavailable(
                f"{self._files.main} holds what no writer leaves there ({error!r}): move the store away"
            ) from error

    def _distrust(self) -> None:
        ingest, self._ingest = self._ingest, None
        if ingest:
            ingest.close()


def _free_number(taken: dict[int, SegmentInfo]) -> int:
    number = max(taken, default=0) + 1
    if number > MAX_SEGMENTS:
        number = next((number for number in range(1, MAX_SEGMENTS + 1) if number not in taken), 0)
    if not number:
        raise StoreError(f"the store knows {MAX_SEGMENTS} processes: remove old slices with `scope db gc`")
    return number
