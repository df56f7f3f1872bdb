"""The embedded store: one writer, which the collector has, and any number of readers.

``sql`` says what is in the files, ``ingest`` writes them, ``query`` reads them, ``filter`` is the grammar of
conditions.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .errors import Ambiguous, NotFound, StoreBusy, StoreError, StoreFull, StoreUnavailable
from .filter import FIELDS, JSON_FIELDS, Field, FieldKind, Filter, FilterError, duration, lookup, moment, parse
from .query.cursor import Cursor
from .query.info import SegmentLosses, SliceInfo, StoreInfo
from .query.neighbours import Sort
from .query.reader import Reader
from .query.stats import ErrorGroup, RouteStats
from .query.workers import Worker

if TYPE_CHECKING:
    from .batch import Batch, OpenRequest, Restored, SegmentInfo, Summary
    from .ingest.writer import Writer

__all__ = [
    "FIELDS",
    "JSON_FIELDS",
    "Ambiguous",
    "Batch",
    "Cursor",
    "ErrorGroup",
    "Field",
    "FieldKind",
    "Filter",
    "FilterError",
    "NotFound",
    "OpenRequest",
    "Reader",
    "Restored",
    "RouteStats",
    "SegmentInfo",
    "SegmentLosses",
    "SliceInfo",
    "Sort",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreInfo",
    "StoreUnavailable",
    "Summary",
    "Worker",
    "Writer",
    "duration",
    "lookup",
    "moment",
    "parse",
]


def __getattr__(name: str) -> object:
    """The writing side, imported when it is first asked for: a command that only looks starts sooner without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".ingest.writer" if name == "Writer" else ".batch", __name__), name)
