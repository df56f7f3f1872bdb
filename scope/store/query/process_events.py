"""What happened to processes outside their requests."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from ...model import ProcessEvent

if TYPE_CHECKING:
    from ...model import RequestSummary
    from ..database import Value
    from .archive import Database

__all__ = ["read_process_events"]

_EARLIER_NS: Final = 600_000_000_000
"""How long before the time asked for something may have begun: what bounds the search."""

_COLUMNS: Final = tuple(field.name for field in fields(ProcessEvent))

_SQL: Final = (
    f"SELECT {', '.join(_COLUMNS)} FROM process_events JOIN segments ON segments.number = segment"
    " WHERE start_ns >= ? AND start_ns < ? AND start_ns + duration_ns >= ? {} ORDER BY start_ns DESC LIMIT ?"
)


def read_process_events(
    main: Database, between: tuple[int, int], beside: RequestSummary | None, limit: int
) -> list[ProcessEvent]:
    since_ns, until_ns = between
    which, process = ("AND pid = ? AND service = ?", (beside.pid, beside.service)) if beside else ("", ())
    values: tuple[Value, ...] = (since_ns - _EARLIER_NS, until_ns, since_ns, *process, limit)
    rows = main.rows(_SQL.format(which), values)
    return [_event(dict(zip(_COLUMNS, row, strict=True))) for row in reversed(rows)]


def _event(columns: dict[str, Any]) -> ProcessEvent:
    left_over = bool(columns.pop("left_over"))
    return ProcessEvent(**columns, left_over=left_over)
