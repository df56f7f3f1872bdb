"""``scope show``."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...store import NotFound
from ..blametext import Beside, blame_lines
from ..fold import FOLD_AT
from ..header import header_lines
from .invocation import Invocation, pass_invocation
from .options import duration_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.shell_completion import CompletionItem

    from ...model import Trace
    from ...store import Reader
    from ..lines import Line
    from .output import Output

C = TypeVar("C", bound="Callable[..., Any]")

_VALUE_LENGTH = 60
_LIMIT = 20_000
"""So many spans, marks and steps are shown at most: people read fewer, and programs ask for all."""
_NEIGHBOURS_EVENTS = 100_000
"""So many events are read at most to tell who held the loop."""


def _complete_reference(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in ("@last", "@slowest", "@last-error") if name.startswith(incomplete)]


def _form(name: str, text: str) -> Callable[[C], C]:
    return click.option(f"--{name}", "form", flag_value=name, default=name == "tree", help=text)


@click.command()
@click.argument("reference", metavar="ID", shell_complete=_complete_reference)
@_form("tree", "Spans as a tree with durations (the default).")
@_form("waterfall", "Spans as bars over time.")
@_form("json", "The request and its spans for programs.")
@_form("md", "Markdown, to paste into an issue.")
@click.option(
    "--min",
    "shortest_ns",
    metavar="DURATION",
    default="0",
    callback=duration_value,
    help="Hide spans that are shorter, 1ms for example.",
)
@click.option("--no-fold", is_flag=True, help="Show each of equal neighbours on a line of its own.")
@click.option(
    "--all", "whole", is_flag=True, help=f"Show all of a request of more than {_LIMIT} spans, marks or steps."
)
@pass_invocation
def command(invocation: Invocation, *, reference: str, form: str, shortest_ns: int, no_fold: bool, whole: bool) -> None:
    """Show one request whole.

    ID is a whole id or any unique beginning of one, @last, @slowest or @last-error.
    """
    output = invocation.output
    with invocation.open_store() as store:
        trace = store.trace(store.find(reference), limit=None if whole else _LIMIT)
        blame = [] if form in {"json", "md"} else list(blame_lines(trace, partial(_neighbours, store, trace)))
    if form in {"json", "md"}:
        output.text(_text(trace, form))
    else:
        fold_at = 0 if no_fold else FOLD_AT
        output.lines(header_lines(trace, invocation.now_ns()))
        output.lines(blame)
        output.lines([()])
        output.lines(_drawing(trace, form, output, fold_at, shortest_ns))


def _neighbours(store: Reader, trace: Trace) -> Beside:
    """What ran beside it, as far as it is stored still and there is time to read it."""
    traces: list[Trace] = []
    left, skipped = _NEIGHBOURS_EVENTS, 0
    for request in store.neighbours(trace.request):
        if request.events > left:
            skipped += 1
            continue
        left -= request.events
        with suppress(NotFound):
            traces.append(store.trace(request, limit=_LIMIT))
    return Beside(traces, skipped)


def _text(trace: Trace, form: str) -> Iterator[str]:
    if form == "md":
        from ..markdown import markdown_lines

        yield from markdown_lines(trace)
    else:
        from ..jsonout import indented_lines, trace_object

        yield from indented_lines(trace_object(trace))


def _drawing(trace: Trace, form: str, output: Output, fold_at: int, shortest_ns: int) -> Iterator[Line]:
    if form == "waterfall":
        from ..waterfall import waterfall_lines

        return waterfall_lines(trace, width=output.width, fold_at=fold_at, shortest_ns=shortest_ns)
    from ..tree import tree_lines

    value_length = None if output.width is None else _VALUE_LENGTH
    return tree_lines(trace, fold_at=fold_at, shortest_ns=shortest_ns, value_length=value_length)
