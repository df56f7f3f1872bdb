"""``scope tail``."""

from __future__ import annotations

import sys
import time
from itertools import islice
from typing import TYPE_CHECKING

import click

from ..jsonout import dumps, request_object
from ..requests_table import request_line
from .invocation import Invocation, pass_invocation
from .options import filter_option, json_option, parsed_filter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model import RequestSummary
    from ...store import Filter, Reader

_POLL_S = 0.2


@click.command()
@filter_option
@json_option
@click.option("-n", "--limit", type=click.IntRange(min=1), help="Stop after so many.")
@pass_invocation
def command(
    invocation: Invocation, *, filter_text: str | None, fields: tuple[str, ...] | None, limit: int | None
) -> None:
    """Follow requests as they end, until interrupted.

    On a terminal a line a request, through a pipe a JSON object a line.
    """
    condition = parsed_filter(filter_text)
    output = invocation.output
    with invocation.open_store() as store:
        for request in islice(_ended(store, condition), limit):
            if fields is not None or output.width is None:
                output.text([dumps(request_object(request, fields))])
            else:
                output.lines([request_line(request, invocation.now_ns(), short=True)])
            sys.stdout.flush()


def _ended(store: Reader, condition: Filter | None) -> Iterator[RequestSummary]:
    """Requests that end from now on, as they are stored."""
    _, place = store.tail()
    while True:
        requests, place = store.tail(place)
        yield from (request for request in requests if condition is None or _meets(store, request, condition))
        if not requests:
            time.sleep(_POLL_S)


def _meets(store: Reader, request: RequestSummary, condition: Filter) -> bool:
    return condition.matches(request, lambda: store.trace(request))
