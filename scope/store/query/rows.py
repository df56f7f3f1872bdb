"""A row of the store as a summary, and the fields of the vocabulary as expressions over its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...model import RequestSummary
from ..filter import JSON_FIELDS, Column, Layout
from ..identity import KEY_BITS, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["COLUMNS", "LAYOUT", "SELECT", "SELECT_THROUGH", "summary"]

_TABLES: Final = (
    "requests {0} CROSS JOIN shapes ON shapes.id = requests.shape"
    f" CROSS JOIN segments ON segments.number = requests.request >> {KEY_BITS}"
)
"""Joined in this order whatever the planner thinks: requests are many, the other two are few and in the cache."""


def _hex_id(digits: int, fits: Callable[[int], int | bytes]) -> Callable[[str | float], Any]:
    """From the text of an id to what the table holds; None for text that no id has."""

    def encode(text: str | float) -> int | bytes | None:
        is_id = isinstance(text, str) and len(text) == digits and not text.strip("0123456789abcdef")
        return fits(int(str(text), 16)) if is_id else None

    return encode


_SPAN_ID: Final = _hex_id(16, signed)
_TRACE_ID: Final = _hex_id(32, lambda number: number.to_bytes(16, "big"))
_IN_SHAPES: Final = ("kind", "state", "outcome", "complete", "status", "method", "route", "error")

COLUMNS: Final = {
    **{name: Column(f"requests.{name}") for name in JSON_FIELDS},
    **{name: Column(f"shapes.{name}") for name in _IN_SHAPES},
    "id": Column("coalesce(requests.id, lower(hex(requests.trace_id)))"),
    "trace_id": Column("lower(hex(requests.trace_id))", "requests.trace_id", _TRACE_ID),
    "span_id": Column("printf('%016x', requests.span_id)", "requests.span_id", _SPAN_ID),
    "remote_parent_id": Column(
        "iif(requests.remote_parent, printf('%016x', requests.remote_parent), NULL)", "requests.remote_parent", _SPAN_ID
    ),
    "first_byte_ns": Column("nullif(requests.first_byte_ns, 0)"),
    "background_ns": Column("max(requests.end_ns - requests.start_ns - requests.duration_ns, 0)"),
    "pid": Column("segments.pid"),
    "service": Column("segments.service"),
}

LAYOUT: Final = Layout(
    COLUMNS,
    attributes="requests.request IN (SELECT attributes.request FROM attributes WHERE attributes.key = ?",
    attribute_text="attributes.text",
    attribute_number="attributes.number",
    spans="requests.shape IN (SELECT span_names.shape FROM span_names WHERE 1",
    span_name="span_names.name",
)

_SELECT: Final = f"SELECT {', '.join(COLUMNS[name].sql for name in JSON_FIELDS)} FROM {_TABLES}"
SELECT: Final = _SELECT.format("")
SELECT_THROUGH: Final = _SELECT.format("NOT INDEXED")
"""The same, read in the order of the table."""
_COMPLETE: Final = JSON_FIELDS.index("complete")


def summary(row: Sequence[Any]) -> RequestSummary:
    """The request that a row of :data:`SELECT` tells of."""
    values = list(row)
    values[_COMPLETE] = bool(values[_COMPLETE])
    return RequestSummary(*values)
