"""``scope loop``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..format import format_duration
from ..lines import Piece
from ..loop_search import find_culprits
from ..table import Column, table_lines
from .group import NOTHING_MATCHED
from .invocation import Invocation, pass_invocation
from .options import (
    fail_empty_option,
    filter_option,
    limit_option,
    optional_duration_value,
    parsed_filter,
    since_option,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..culprits import Culprit
    from ..lines import Line
    from ..loop_search import Search

_COLUMNS = (
    Column("stolen", right=True),
    Column("victims", right=True),
    Column("steps", right=True),
    Column("held", right=True),
    Column("longest", right=True),
    Column("function"),
    Column("route", flexible=True),
    Column("culprit"),
    Column("victim"),
)
_SKIPPED = "{0} or more requests of shorter holds or waits were not read: narrow it down with --since, -f or --min."
_SHORT_ID = 12
_MS = 1_000_000


@click.command()
@filter_option
@since_option
@click.option(
    "--min",
    "least_ns",
    metavar="DURATION",
    callback=optional_duration_value,
    help="Pass over what held a loop for less, or waited less; else loop.report_ms.",
)
@limit_option(20)
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@fail_empty_option
@pass_invocation
def command(
    invocation: Invocation,
    *,
    filter_text: str | None,
    since_ns: int | None,
    least_ns: int | None,
    limit: int,
    as_json: bool,
    fail_empty: bool,
) -> int:
    """Rank what held event loops: who took most time from others first.

    Each line is a function that ran for a route without giving way. The filter is for the requests that did so.
    """
    condition = parsed_filter(filter_text)
    least_ns = invocation.config.loop.report_ms * _MS if least_ns is None else least_ns
    with invocation.open_store() as store:
        search = find_culprits(store, least_ns, condition, since_ns)
    shown = search.culprits[:limit]
    if as_json:
        invocation.output.text(_json(search, shown, least_ns))
    elif shown:
        invocation.output.lines(culprit_lines(shown, invocation.output.width))
    else:
        click.echo(f"Nothing held an event loop for {format_duration(least_ns)}.", err=True)
    if search.skipped and not as_json:
        click.echo(_SKIPPED.format(search.skipped), err=True)
    return NOTHING_MATCHED if fail_empty and not shown else 0


def _json(search: Search, shown: Sequence[Culprit], least_ns: int) -> Iterator[str]:
    from ..jsonout import indented_lines

    whole = {"min_ns": least_ns, "skipped": search.skipped, "culprits": [asdict(each) for each in shown]}
    return indented_lines(whole)


def culprit_lines(culprits: Sequence[Culprit], width: int | None) -> Iterator[Line]:
    return table_lines(_COLUMNS, [_row(each, short=width is not None) for each in culprits], width)


def _row(culprit: Culprit, *, short: bool) -> Sequence[Piece]:
    ids = (culprit.culprit_id or "-", culprit.victim_id or "-")
    return (
        Piece(format_duration(culprit.stolen_ns), "warning"),
        Piece(str(culprit.victims)),
        Piece(str(culprit.steps)),
        Piece(format_duration(culprit.held_ns), "number"),
        Piece(format_duration(culprit.longest_ns), "number"),
        Piece(culprit.function, "strong"),
        Piece(culprit.route or "(no request)"),
        *(Piece(_shortened(each) if short else each, "dim") for each in ids),
    )


def _shortened(id_: str) -> str:
    """The beginning of an id that is a trace id; callers' own ids stay whole."""
    is_trace_id = len(id_) == 32 and not id_.strip("0123456789abcdef")
    return id_[:_SHORT_ID] if is_trace_id else id_
