"""All slices of a store, as its writer sees them: which one a request belongs to, made if need be.

Slices are disjoint in time, so that lists can be read slice by slice, newest first. A slice that has grown to a part
of what may be kept is cut: from then on later requests go to a new one. So removing whole slices keeps the store within
its bounds however fast it grows.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, Protocol

from ..database import transaction
from ..errors import StoreUnavailable
from ..identity import segment_of
from .journal import Journal
from .slice import Slice

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..files import StoreFiles

__all__ = ["SECOND_NS", "Slices", "StoreSettings"]

SECOND_NS: Final = 1_000_000_000
_MAX_OPEN: Final = 4
_PARTS: Final = 16
_SMALLEST_PART: Final = 1 << 20
_NOWHERE: Final = (
    "ended AND number NOT IN (SELECT segment FROM residents) AND number NOT IN (SELECT segment FROM process_events)"
)


class StoreSettings(Protocol):
    """What the writer needs of the ``store.*`` settings."""

    @property
    def slice_s(self) -> int: ...
    @property
    def retention_age_s(self) -> int: ...
    @property
    def retention_bytes(self) -> int: ...


class Slices:
    """The slices that main.db lists; at most a few are open at a time."""

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
        self._settings = settings
        self._clock = clock
        self._timeout_s = timeout_s
        self._open: dict[int, Slice] = {}
        self._bounds: list[tuple[int, int]] = []
        self._bytes: dict[int, int] = {}
        self.dropped_ns: int = main.execute("SELECT dropped_ns FROM progress").fetchone()[0]
        self._take_stock()

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    @property
    def oldest(self) -> tuple[int, int] | None:
        """Start and end of the oldest slice; None where that is the newest with any request, which stays."""
        used = (place for place in reversed(range(len(self._bounds))) if self._file(self._bounds[place][0]).exists())
        return self._bounds[0] if next(used, 0) else None

    def total_bytes(self) -> int:
        """What all slices take of the disk; those that are not open are weighed once."""
        for start, _ in self._bounds:
            if start in self._open or start not in self._bytes:
                self._bytes[start] = self._files.bytes(self._file(start))
        return sum(self._bytes.values())

    def pending(self, batch: int) -> Iterator[tuple[int, Journal]]:
        """Batches after ``batch`` that a slice has and main.db has not, with their journals."""
        loaded = [Journal.load(self.get(start).connection) for start, _ in self._bounds]
        yield from sorted((pair for pair in loaded if pair[0] > batch), key=lambda pair: pair[0])

    def get(self, start: int) -> Slice:
        """The slice that starts at ``start``; good until the next call, which may close it."""
        slice_ = self._open.pop(start, None)
        if slice_ is None:
            while len(self._open) >= _MAX_OPEN:
                self._open.pop(next(iter(self._open))).close()
            slice_ = Slice(self._file(start), self._bounds[self._place(start)], self._timeout_s)
        self._open[start] = slice_
        return slice_

    def of_start(self, start_ns: int) -> int:
        """Start of the slice for a request that began at ``start_ns``.

        One that began before anything that is kept goes to the oldest slice, one from a future that the clock has not
        reached to the present one: neither bad clocks nor long requests make slices without number.
        """
        place = self._place(start_ns)
        if place >= 0 and start_ns < self._bounds[place][1]:
            return self._bounds[place][0]
        now_ns = self._clock()
        length_ns = self._settings.slice_s * SECOND_NS
        if start_ns > now_ns + length_ns:
            return self.of_start(now_ns)
        kept_ns = max(self.dropped_ns, now_ns - self._settings.retention_age_s * SECOND_NS)
        if start_ns >= kept_ns:
            return self._make(start_ns, length_ns, place)
        return self._bounds[max(place, 0)][0] if self._bounds else self.of_start(max(kept_ns, now_ns))

    def of_request(self, request: int) -> int | None:
        """Start of the slice that holds ``request``."""
        rows = self._main.execute(
            "SELECT slice_ns FROM residents WHERE segment = ? ORDER BY slice_ns DESC", (segment_of(request),)
        )
        return next((start for (start,) in rows.fetchall() if self.get(start).holds(request)), None)

    def cut_if_large(self, start: int) -> None:
        """End the slice after what it holds if it has grown to its share of the store."""
        slice_ = self.get(start)
        if slice_.size_bytes() < max(self._settings.retention_bytes // _PARTS, _SMALLEST_PART):
            return
        place = self._place(start)
        cut_ns, end_ns = slice_.latest_ns + 1, self._bounds[place][1]
        if start < cut_ns < end_ns:
            self._bounds[place : place + 1] = [(start, cut_ns), (cut_ns, end_ns)]
            self._list((start, cut_ns), (cut_ns, end_ns))

    def drop_oldest(self) -> None:
        """Remove the oldest slice with all its requests; the file first, which makes room to note it on a full disk."""
        start, end = self._bounds.pop(0)
        if start in self._open:
            self._open.pop(start).close()
        self._files.remove_slice(start)
        self._bytes.pop(start, None)
        self.dropped_ns = max(self.dropped_ns, end)
        with transaction(self._main):
            self.forget([(start,)])
            self._main.execute("UPDATE progress SET dropped_ns = ?", (self.dropped_ns,))

    def forget(self, starts: list[tuple[int]]) -> None:
        """Within a transaction: forget slices that are gone, and the ended segments of which nothing is left."""
        self._main.executemany("DELETE FROM slices WHERE start_ns = ?", starts)
        self._main.executemany("DELETE FROM residents WHERE slice_ns = ?", starts)
        for table in ("losses", "lane_losses"):
            self._main.execute(f"DELETE FROM {table} WHERE segment IN (SELECT number FROM segments WHERE {_NOWHERE})")
        self._main.execute(f"DELETE FROM segments WHERE {_NOWHERE}")

    def _file(self, start: int) -> Path:
        return self._files.slice(start)

    def _place(self, start_ns: int) -> int:
        """Index of the last slice that starts at ``start_ns`` or before; -1 for none."""
        return bisect_right(self._bounds, start_ns, key=lambda bounds: bounds[0]) - 1

    def _make(self, start_ns: int, length_ns: int, place: int) -> int:
        aligned = start_ns - start_ns % length_ns
        after = self._bounds[place][1] if place >= 0 else 0
        before = self._bounds[place + 1][0] if place + 1 < len(self._bounds) else aligned + length_ns
        bounds = (max(aligned, after), min(aligned + length_ns, before))
        self._bounds.insert(place + 1, bounds)
        self.get(bounds[0])
        self._list(bounds)
        return bounds[0]

    def _list(self, *bounds: tuple[int, int]) -> None:
        with transaction(self._main):
            self._main.executemany(
                "INSERT INTO slices (start_ns, end_ns) VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET end_ns = excluded.end_ns",
                bounds,
            )

    def _take_stock(self) -> None:
        """Make the list and the files agree: a crash may have come between the two, or somebody removed a file."""
        there = set(self._files.slice_starts())
        listed = dict(self._main.execute("SELECT start_ns, end_ns FROM slices ORDER BY start_ns").fetchall())
        for start in there - listed.keys():
            self._discard(start)
        gone = [(start,) for start in listed.keys() - there]
        if gone:
            with transaction(self._main):
                self.forget(gone)
        self._bounds = [bounds for bounds in listed.items() if bounds[0] in there]

    def _discard(self, start: int) -> None:
        """Remove a file that was being made or removed when the writer ended; what is in any other is not ours."""
        path = self._file(start)
        if start >= self.dropped_ns:
            slice_ = Slice(path, (start, start), self._timeout_s)
            is_empty = not slice_.latest_ns
            slice_.close()
            if not is_empty:
                raise StoreUnavailable(f"{path} does not belong to {self._files.main}: move it away")
        self._files.remove_slice(start)
