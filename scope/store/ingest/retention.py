"""What is forgotten: whole slices, by age and by size; never one request at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..database import transaction
from .rollup import MINUTE_NS
from .slices import SECOND_NS

if TYPE_CHECKING:
    import sqlite3

    from ..files import StoreFiles
    from .slices import Slices, StoreSettings

__all__ = ["drop_slices", "trim_process_events", "trim_rollups"]

_MINUTES_KEPT: Final = 2 * 24 * 60
"""Rollups by the minute are kept for two days at most, those by the hour as long as requests."""
_PROCESS_EVENTS_KEPT: Final = 100_000
_AT_ONCE: Final = 10_000
"""Events of processes that are kept at most, and removed in one go."""
_STEP: Final = 120
"""Minutes (or hours) of rollups removed in one go, so that no call takes long even after a pause of weeks."""


def drop_slices(files: StoreFiles, slices: Slices, settings: StoreSettings, now_ns: int) -> int:
    """Remove what is too old or too much; the number of slices removed. The newest with any request always stays."""
    oldest_ns = now_ns - settings.retention_age_s * SECOND_NS
    room = settings.retention_bytes - files.bytes(files.main)
    dropped = 0
    while (oldest := slices.oldest) and (oldest[1] <= oldest_ns or slices.total_bytes() > room):
        slices.drop_oldest()
        dropped += 1
    if dropped:
        files.remove_strays()
    return dropped


def trim_rollups(main: sqlite3.Connection, settings: StoreSettings, now_ns: int) -> None:
    """Remove the oldest part of the rollups and error groups that is not kept any more."""
    oldest_ns = now_ns - settings.retention_age_s * SECOND_NS
    oldest = oldest_ns // MINUTE_NS
    _trim(main, "minutes", "minute", max(oldest, now_ns // MINUTE_NS - _MINUTES_KEPT))
    _trim(main, "fault_minutes", "minute", oldest)
    _trim(main, "hours", "hour", oldest // 60)
    if main.execute("SELECT 1 FROM faults WHERE last_ns < ?", (oldest_ns,)).fetchone() is not None:
        with transaction(main):
            main.execute("DELETE FROM faults WHERE last_ns < ?", (oldest_ns,))


def trim_process_events(main: sqlite3.Connection, slices: Slices, settings: StoreSettings, now_ns: int) -> bool:
    """Remove what happened to processes before anything that is kept, or more often than is kept; the oldest first.

    The start of a process that has not ended stays; one of which nothing is left is forgotten. Whether anything was.
    """
    newest = "SELECT start_ns FROM process_events ORDER BY start_ns DESC LIMIT 1 OFFSET ?"
    beyond = main.execute(newest, (_PROCESS_EVENTS_KEPT,)).fetchone()
    before_ns = max(now_ns - settings.retention_age_s * SECOND_NS, beyond[0] + 1 if beyond else 0)
    old = f"start_ns < ? AND (kind <> 'start' OR segment IN (SELECT number FROM segments WHERE ended)) LIMIT {_AT_ONCE}"
    if main.execute(f"SELECT 1 FROM process_events WHERE {old}", (before_ns,)).fetchone() is None:
        return False
    chosen = f"SELECT segment, lane, position FROM process_events WHERE {old}"
    with transaction(main):
        main.execute(f"DELETE FROM process_events WHERE (segment, lane, position) IN ({chosen})", (before_ns,))
        slices.forget([])
    return True


def _trim(main: sqlite3.Connection, table: str, period: str, keep_from: int) -> None:
    oldest: int | None = main.execute(f"SELECT min({period}) FROM {table}").fetchone()[0]
    if oldest is not None and oldest < keep_from:
        with transaction(main):
            main.execute(f"DELETE FROM {table} WHERE {period} < ?", (min(keep_from, oldest + _STEP),))
