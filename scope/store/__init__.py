"""The embedded store: one writer, which the collector has, and any number of readers.

``sql`` says what is in the files, ``ingest`` writes them, ``query`` reads them, ``filter`` is the grammar of
conditions.
"""

from .batch import Batch, OpenRequest, Restored, SegmentInfo, Summary
from .errors import Ambiguous, NotFound, StoreBusy, StoreError, StoreFull, StoreUnavailable
from .filter import FIELDS, JSON_FIELDS, Field, FieldKind, Filter, FilterError, duration, lookup, moment, parse
from .ingest.writer import Writer
from .query.cursor import Cursor
from .query.info import SegmentLosses, SliceInfo, StoreInfo
from .query.reader import Reader
from .query.stats import ErrorGroup, RouteStats

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
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreInfo",
    "StoreUnavailable",
    "Summary",
    "Writer",
    "duration",
    "lookup",
    "moment",
    "parse",
]
