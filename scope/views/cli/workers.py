"""``scope workers``."""

from __future__ import annotations

import click

from ..jsonout import array_lines
from ..workers import worker_lines, worker_objects
from .invocation import Invocation, pass_invocation
from .options import limit_option


@click.command()
@limit_option(50)
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
@pass_invocation
def command(invocation: Invocation, *, limit: int, as_json: bool) -> None:
    """List traced processes: since when, and how each ended; the latest first, and in whose place each began.

    With what held their event loops outside any request.
    """
    with invocation.open_store() as store:
        workers = store.workers(limit=limit)
    output = invocation.output
    if as_json:
        output.text(array_lines(worker_objects(workers)))
    elif workers:
        output.lines(worker_lines(workers, invocation.now_ns(), output.width))
    else:
        click.echo("No process has been traced yet.", err=True)
