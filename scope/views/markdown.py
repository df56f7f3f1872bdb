"""A trace as Markdown, to paste into an issue: the facts, the tree, and every exception with its stack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .format import format_bytes, format_duration, format_time, safe_text
from .header import background_ns, completeness, label, left_out, status_pieces
from .lines import plain
from .spantext import location
from .statetext import state_line
from .tree import tree_lines
from .valuetext import value_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import ExceptionInfo, RequestSummary, Span, Trace

__all__ = ["markdown_lines"]


def markdown_lines(trace: Trace) -> Iterator[str]:
    """Lines of CommonMark with tables; nothing that a request brought in can act as markup."""
    request = trace.request
    yield f"# {_code(label(request))}: {_ending(request)}"
    yield ""
    yield "| field | value |"
    yield "|---|---|"
    for name, value in _facts(trace):
        yield f"| {name} | {_code(value).replace('|', chr(92) + '|')} |"
    yield ""
    yield from _fenced(plain(each) for each in tree_lines(trace))
    for span in (each for _, each in trace.spans() if each.values is not None):
        yield ""
        yield from _values(span)
    for exception in _exceptions(trace):
        yield ""
        yield from _exception(exception)


def _ending(request: RequestSummary) -> str:
    words = " ".join(safe_text(piece.text) for piece in status_pieces(request)) or request.outcome
    return f"{words} after {format_duration(request.duration_ns)}"


def _facts(trace: Trace) -> Iterator[tuple[str, str]]:
    request = trace.request
    yield "id", request.id
    yield "trace", request.trace_id
    yield "path", request.path
    yield "start", format_time(request.start_ns)
    if after_ns := background_ns(trace):
        yield "background", format_duration(after_ns)
    yield "served by", f"{request.service} pid {request.pid}".lstrip()
    yield "body", f"in {format_bytes(request.bytes_in)}, out {format_bytes(request.bytes_out)}"
    if doing := plain(state_line(trace)):
        yield "doing", doing
    yield "trace is", completeness(request).text
    if text := left_out(trace):
        yield "without", text


def _values(span: Span) -> Iterator[str]:
    place = location(span.file, span.line)
    yield f"## {_code(span.name)}{f' at {_code(place)}' if place else ''}"
    yield ""
    yield from _fenced(value_lines(span))


def _exceptions(trace: Trace) -> Iterable[ExceptionInfo]:
    """Each exception once, though it passed through many spans."""
    found = (span.exception for _, span in trace.spans() if span.exception is not None)
    return {(exception.type, exception.message): exception for exception in found}.values()


def _exception(exception: ExceptionInfo) -> Iterator[str]:
    yield f"## {_code(exception.type)}"
    yield ""
    stack = (f"{frame.file}:{frame.line} in {frame.function}" for frame in exception.frames)
    yield from _fenced((*exception.message.splitlines(), *stack))


def _fenced(lines: Iterable[str]) -> Iterator[str]:
    """A code block whose fence is longer than any run of backticks within."""
    body = [safe_text(each) for each in lines]
    longest = max((len(run) for each in body for run in re.findall("`+", each)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}text"
    yield from body
    yield fence


def _code(text: str) -> str:
    """A code span; in one, backticks are the only characters with a meaning."""
    safe = safe_text(text)
    longest = max(map(len, re.findall("`+", safe)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if longest or not safe.strip() else ""
    return f"{fence}{blank}{safe}{blank}{fence}"
