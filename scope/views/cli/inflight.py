"""``scope inflight``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..collector_status import is_running
from ..current import open_object, whereabouts
from ..format import format_duration
from ..jsonout import array_lines
from ..lines import Piece
from ..requests_table import short_id
from ..spantext import location
from ..table import Column, table_lines
from .group import NOTHING_MATCHED
from .invocation import Invocation, pass_invocation
from .options import fail_empty_option, json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...model import RequestSummary, Span
    from ..current import Whereabouts

_COLUMNS = (
    Column("age", right=True),
    Column("method"),
    Column("route", flexible=True),
    Column("now in"),
    Column("for", right=True),
    Column("where"),
    Column("pid", right=True),
    Column("id"),
)


@click.command()
@json_option
@fail_empty_option
@pass_invocation
def command(invocation: Invocation, *, fields: tuple[str, ...] | None, fail_empty: bool) -> int:
    """Show what is running now, oldest first: where each request is, and for how long.

    It is read from what the collector last saw in shared memory, so it works on a worker that hangs.
    """
    now_ns = invocation.now_ns()
    if not is_running(invocation.config):
        click.echo("No collector is running: this is what the last one saw.", err=True)
    with invocation.open_store() as store:
        found = [(request, whereabouts(store.trace(request))) for request in store.open_requests()]
    if fields is not None:
        invocation.output.text(array_lines(open_object(*each, fields, now_ns) for each in found))
    elif found:
        width = invocation.output.width
        rows = [_row(*each, now_ns, short=width is not None) for each in found]
        invocation.output.lines(table_lines(_COLUMNS, rows, width))
    else:
        click.echo("Nothing is running.", err=True)
    return NOTHING_MATCHED if fail_empty and not found else 0


def _row(request: RequestSummary, where: Whereabouts, now_ns: int, *, short: bool) -> Sequence[Piece]:
    others = f" (+{where.branches - 1})" if where.branches > 1 else ""
    current = where.current
    return (
        Piece(format_duration(max(now_ns - request.start_ns, 0)), "number"),
        Piece(request.method or request.kind),
        Piece(request.route or request.path, "strong"),
        Piece(f"{current.name}{others}", "warning"),
        Piece(format_duration(max(now_ns - current.start_ns, 0)), "number"),
        Piece(_place(current, where.path[0]), "dim"),
        Piece(str(request.pid), "dim"),
        Piece(short_id(request) if short else request.id, "dim"),
    )


def _place(span: Span, root: Span) -> str:
    """Where it is in the source; else the thread that it is in, if that is not the request's own."""
    return location(span.file, span.line) or (f"in {span.thread}" if span.thread != root.thread else "")
