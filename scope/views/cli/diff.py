"""``scope diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..reading import SHOWN_AT_MOST
from .invocation import Invocation, pass_invocation
from .options import complete_reference

if TYPE_CHECKING:
    from ..diff import TraceDiff


@click.command()
@click.argument("a", metavar="A", shell_complete=complete_reference)
@click.argument("b", metavar="B", shell_complete=complete_reference)
@click.option("--all", "everything", is_flag=True, help="Show what is the same, too.")
@click.option("--json", "as_json", is_flag=True, help="All of it for programs.")
@pass_invocation
def command(invocation: Invocation, *, a: str, b: str, everything: bool, as_json: bool) -> int:
    """Compare two requests, call by call; exits with 1 when they differ.

    A and B are ids as of show. They differ where something was called or failed a different number of times, or where
    they ended differently; how long things took makes no difference, and is shown.
    """
    from ..diff import diff_traces

    with invocation.open_store() as store:
        first, second = (store.trace(store.find(each), limit=SHOWN_AT_MOST) for each in (a, b))
    diff = diff_traces(first, second)
    _print(invocation, diff, everything=everything, as_json=as_json)
    return 1 if diff.is_different else 0


def _print(invocation: Invocation, diff: TraceDiff, *, everything: bool, as_json: bool) -> None:
    from ..difftext import diff_lines, diff_object
    from ..jsonout import indented_lines

    output = invocation.output
    if as_json:
        output.text(indented_lines(diff_object(diff)))
    else:
        output.lines(diff_lines(diff, output.width, everything=everything))
