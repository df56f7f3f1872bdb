"""``scope errors``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..format import format_ago
from ..jsonout import array_lines
from ..lines import Piece, line
from ..spantext import location
from .group import NOTHING_MATCHED
from .hints import scope_command
from .invocation import Invocation, pass_invocation
from .options import fail_empty_option, since_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...store import ErrorGroup
    from ..lines import Line


@click.command()
@since_option
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@fail_empty_option
@pass_invocation
def command(invocation: Invocation, *, since_ns: int | None, as_json: bool, fail_empty: bool) -> int:
    """Sum up by exception: its type, where in your code it came from, and the route; the most frequent first."""
    now_ns = invocation.now_ns()
    with invocation.open_store() as store:
        groups = store.errors(since_ns)
    if as_json:
        invocation.output.text(array_lines(map(asdict, groups)))
    elif groups:
        for group in groups:
            invocation.output.lines(_lines(group, now_ns, scope_command(invocation.config)))
    else:
        click.echo("No exception was recorded.", err=True)
    return NOTHING_MATCHED if fail_empty and not groups else 0


def _lines(group: ErrorGroup, now_ns: int, scope: str) -> Iterator[Line]:
    where = f"  at {location(group.file, group.line)} in {group.function}" if group.file else ""
    count = Piece(f"×{group.count:<6} ", "strong")
    yield line(count, Piece(group.type, "error"), Piece(where, "dim"), "  ", Piece(group.route or "(no route)", "name"))
    indent = " " * len(count.text)
    if group.message:
        yield line(indent, Piece(group.message))
    seen = f"first {format_ago(group.first_ns, now_ns)}, last {format_ago(group.last_ns, now_ns)}"
    yield line(indent, Piece(f"{seen}, {scope} show {group.exemplar}", "dim"))
