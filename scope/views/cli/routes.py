"""``scope routes``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..format import format_bytes, format_duration
from ..jsonout import array_lines
from ..lines import Piece
from ..table import Column, table_lines
from .invocation import Invocation, pass_invocation
from .options import since_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...store import RouteStats
    from ..lines import Line

_COLUMNS = (
    Column("method"),
    Column("route", flexible=True),
    Column("requests", right=True),
    Column("a second", right=True),
    Column("failed", right=True),
    Column("p50", right=True),
    Column("p95", right=True),
    Column("p99", right=True),
    Column("out", right=True),
    Column("service"),
)


@click.command()
@since_option
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@pass_invocation
def command(invocation: Invocation, *, since_ns: int | None, as_json: bool) -> None:
    """Sum up by route, the busiest first.

    From the rollups, so it is quick whatever is stored; what is running is not in it.
    """
    with invocation.open_store() as store:
        routes = store.routes(since_ns)
    output = invocation.output
    if as_json:
        output.text(array_lines(map(asdict, routes)))
    elif routes:
        output.lines(route_lines(routes, output.width))
    else:
        click.echo("No request has ended yet.", err=True)


def route_lines(routes: Sequence[RouteStats], width: int | None) -> Iterator[Line]:
    return table_lines(_COLUMNS, list(map(_row, routes)), width)


def _row(route: RouteStats) -> Sequence[Piece]:
    share = f"{100 * route.errors / route.count:.1f}".removesuffix(".0")
    failed = f"{route.errors} ({share} %)" if route.errors else "0"
    return (
        Piece(route.method if route.kind == "http" else route.kind),
        Piece(route.route or "(no route)", "strong" if route.route else "dim"),
        Piece(str(route.count)),
        Piece(f"{route.rate:.3g}", "dim"),
        Piece(failed, "error" if route.errors else "dim"),
        *(Piece(format_duration(value), "number") for value in (route.p50_ns, route.p95_ns, route.p99_ns)),
        Piece(format_bytes(route.bytes_out), "dim"),
        Piece(route.service, "dim"),
    )
