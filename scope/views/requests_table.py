"""Requests as a table of text, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .format import format_duration, format_time
from .header import status_role
from .lines import Line, Piece, line
from .table import Column, table_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import RequestSummary

__all__ = ["request_line", "request_lines", "short_id", "short_time"]

_COLUMNS = (
    Column("time"),
    Column("method"),
    Column("route", flexible=True),
    Column("status", right=True),
    Column("duration", right=True),
    Column("spans", right=True),
    Column("id"),
    Column("remarks"),
)
_SHORT_ID = 12
_WIDTHS = ("", "<7", "<32", ">7", ">9", ">4", "", "")
"""How columns are filled up where the rows to come are not known."""


def request_lines(requests: Sequence[RequestSummary], now_ns: int, width: int | None = None) -> Iterator[Line]:
    """A line of titles and one a request, in the order given.

    For a terminal of ``width`` columns routes give way, times are told as the clock at ``now_ns`` makes sufficient, and
    an id that is a trace id is shortened to as much as finds it again.
    """
    return table_lines(_COLUMNS, [_row(request, now_ns, short=width is not None) for request in requests], width)


def _row(request: RequestSummary, now_ns: int, *, short: bool) -> tuple[Piece, ...]:
    return (
        Piece(short_time(request.start_ns, now_ns) if short else format_time(request.start_ns), "dim"),
        Piece(request.method or request.kind),
        Piece(request.route or request.path, "strong"),
        _status(request),
        Piece(format_duration(request.duration_ns), "number"),
        Piece(str(request.spans), "dim"),
        Piece(short_id(request) if short else request.id, "dim"),
        Piece(", ".join(_remarks(request)), "error" if request.error else "warning"),
    )


def request_line(request: RequestSummary, now_ns: int, *, short: bool) -> Line:
    """One request by itself, for a list that grows: what has a bounded width first."""
    cells = _row(request, now_ns, short=short)
    padded = (Piece(f"{cell.text:{width}}", cell.role) for cell, width in zip(cells, _WIDTHS, strict=True))
    return line(*(piece for cell in padded if cell.text for piece in (cell, "  ")))


def short_time(time_ns: int, now_ns: int) -> str:
    """The time of today to the millisecond; of another day the date, and the time to the minute."""
    day, _, clock = format_time(time_ns).partition("T")
    today = format_time(now_ns).startswith(day)
    return clock[:12] if today else f"{day} {clock[:5]}".strip()


def short_id(request: RequestSummary) -> str:
    """What finds the request again: a caller's id whole, of a trace id the beginning."""
    return request.id[:_SHORT_ID] if request.id == request.trace_id else request.id


def _status(request: RequestSummary) -> Piece:
    if request.status is None:
        return Piece("-" if request.state == "done" else request.state, "warning")
    return Piece(str(request.status), status_role(request.status))


def _remarks(request: RequestSummary) -> Iterator[str]:
    if request.error:
        yield f"✗ {request.error}"
    elif request.outcome in {"cancelled", "disconnected"} and request.state == "done":
        yield request.outcome
    if request.state != "done" and request.status is not None:
        yield request.state
    if request.lost:
        yield f"lost {request.lost} events"
    elif not request.complete and request.state == "done":
        yield "incomplete"
