"""``scope show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..blametext import blame_lines
from ..fold import FOLD_AT
from ..header import header_lines
from ..loop_search import find_blame
from ..reading import SHOWN_AT_MOST
from ..workers import end_line
from .invocation import Invocation, pass_invocation
from .options import complete_reference, duration_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...model import Trace
    from ...store import Reader
    from ..blame import Blame
    from ..lines import Line
    from .output import Output

C = TypeVar("C", bound="Callable[..., Any]")

_VALUE_LENGTH = 60
_MS = 1_000_000


def _form(name: str, text: str) -> Callable[[C], C]:
    return click.option(f"--{name}", "form", flag_value=name, default=name == "tree", help=text)


@click.command()
@click.argument("reference", metavar="ID", shell_complete=complete_reference)
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
    "--all", "whole", is_flag=True, help=f"Show all of a request of more than {SHOWN_AT_MOST} spans, marks or steps."
)
@pass_invocation
def command(invocation: Invocation, *, reference: str, form: str, shortest_ns: int, no_fold: bool, whole: bool) -> None:
    """Show one request whole.

    ID is a whole id or any unique beginning of one, @last, @slowest or @last-error.
    """
    output, least_ns = invocation.output, invocation.config.loop.report_ms * _MS
    with invocation.open_store() as store:
        trace = store.trace(store.find(reference), limit=None if whole else SHOWN_AT_MOST)
        blame = find_blame(store, trace, least_ns)
        end = _end_of_process(store, trace)
    if form in {"json", "md"}:
        output.text(_text(trace, blame, form))
    else:
        fold_at = 0 if no_fold else FOLD_AT
        output.lines(header_lines(trace, invocation.now_ns()))
        output.lines(end)
        output.lines(blame_lines(blame, least_ns))
        output.lines([()])
        output.lines(_drawing(trace, form, output, fold_at, shortest_ns))


def _end_of_process(store: Reader, trace: Trace) -> list[Line]:
    """When the process ended that cut the request off."""
    worker = store.worker_of(trace.request) if trace.request.state == "aborted" else None
    return [end] if worker and (end := end_line(worker)) else []


def _text(trace: Trace, blame: Blame, form: str) -> Iterator[str]:
    if form == "md":
        from ..markdown import markdown_lines

        yield from markdown_lines(trace)
    else:
        from ..jsonout import blame_object, indented_lines, trace_object

        yield from indented_lines({**trace_object(trace), "loop": blame_object(blame)})


def _drawing(trace: Trace, form: str, output: Output, fold_at: int, shortest_ns: int) -> Iterator[Line]:
    if form == "waterfall":
        from ..waterfall import waterfall_lines

        return waterfall_lines(trace, width=output.width, fold_at=fold_at, shortest_ns=shortest_ns)
    from ..tree import tree_lines

    value_length = None if output.width is None else _VALUE_LENGTH
    return tree_lines(trace, fold_at=fold_at, shortest_ns=shortest_ns, value_length=value_length)
