"""``scope ls``."""

from __future__ import annotations

import click

from ..requests_table import request_lines
from .group import NOTHING_MATCHED
from .invocation import Invocation, pass_invocation
from .options import fail_empty_option, filter_option, json_option, limit_option, parsed_filter, since_option

_SORTS = (
    "start",
    "dur",
    "loopwait",
    "threadwait",
    "step",
    "status",
    "spans",
    "errors",
    "lost",
    "bytes_in",
    "bytes_out",
)
_EXAMPLES = """\b
scope ls -f 'route:/users/{id} status>=500 dur>200ms'
scope ls -f 'err:Timeout* -path:/health' --since 15m
scope ls --sort dur --json=id,route,duration_ns
"""


@click.command(epilog=_EXAMPLES)
@filter_option
@since_option
@click.option("--sort", type=click.Choice(_SORTS), default="start", show_default=True, help="Greatest first.")
@limit_option(50)
@json_option
@fail_empty_option
@pass_invocation
def command(
    invocation: Invocation,
    *,
    filter_text: str | None,
    since_ns: int | None,
    sort: str,
    limit: int,
    fields: tuple[str, ...] | None,
    fail_empty: bool,
) -> int:
    """List requests, newest first."""
    condition = parsed_filter(filter_text)
    with invocation.open_store() as store:
        requests = store.requests(condition, limit=limit, sort=sort, since_ns=since_ns)
    if fields is not None:
        from ..jsonout import array_lines, request_object

        invocation.output.text(array_lines(request_object(request, fields) for request in requests))
    elif requests:
        invocation.output.lines(request_lines(requests, invocation.now_ns(), invocation.output.width))
    else:
        click.echo("No requests here; scope tail shows them as they come.", err=True)
    return NOTHING_MATCHED if fail_empty and not requests else 0
