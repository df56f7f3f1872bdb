"""What is said about a request above its spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..model import SpanKind
from .attributes import bare_or_quoted, value_text
from .format import format_ago, format_bytes, format_duration, format_time
from .lines import Line, Piece, line
from .pauses import pause_line
from .statetext import state_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import Attributes, RequestSummary, Trace
    from .lines import Role

_WORTH_TELLING_NS: Final = 1_000_000

__all__ = ["CALLER", "background_ns", "completeness", "header_lines", "label", "left_out", "status_pieces"]


CALLER: Final = frozenset(
    {"client.address", "network.protocol.version", "server.address", "url.scheme", "user_agent.original"}
)
"""Attributes of the root that the header tells."""


def header_lines(trace: Trace, now_ns: int) -> Iterator[Line]:
    """What it was and how it ended; its ids; when, where, how much; who called; what it did; what is missing of it."""
    request = trace.request
    words = (Piece(label(request), "strong"), *status_pieces(request), Piece(_timing(trace), "number"))
    yield line(*(piece for word in words for piece in (word, "  ")))
    yield line(Piece(" · ".join(_identity(request)), "dim"))
    yield line(Piece(" · ".join((*_origin(request, now_ns), *_sizes(request))), "dim"))
    if caller := " · ".join(_caller(trace.root.attributes)):
        yield line(Piece(caller, "dim"))
    if doing := state_line(trace):
        yield doing
    if paused := pause_line(trace):
        yield paused
    yield line(completeness(request))
    if text := tracing(request):
        yield line(Piece(text, "dim"))
    if text := left_out(trace):
        yield line(Piece(text, "warning"))


def label(request: RequestSummary) -> str:
    """The request in a few words: ``GET /users/{id}``; the path where no route matched."""
    name = request.route or request.path
    kind = {"http": "", "task": "task", "lifespan": "lifespan", "websocket": "websocket"}.get(
        request.kind, request.kind
    )
    return " ".join(filter(None, (kind, request.method, name)))


def status_pieces(request: RequestSummary) -> Iterator[Piece]:
    """Status, end and error, as far as there are any."""
    if request.status is not None:
        yield Piece(str(request.status), status_role(request.status))
    if request.state != "done":
        yield Piece(request.state, "warning")
    if request.error:
        yield Piece(f"✗ {request.error}", "error")
    elif request.outcome in {"cancelled", "disconnected"}:
        yield Piece(request.outcome, "warning")


def status_role(status: int) -> Role:
    if status >= 500:
        return "error"
    return "warning" if status >= 400 else "good"


def completeness(request: RequestSummary) -> Piece:
    """Whether the trace is all there is, said either way."""
    lost = f": {request.lost} events were lost while it ran" if request.lost else ""
    if request.state == "open":
        last = format_duration(request.duration_ns)
        return Piece(f"open: still running, the last of {request.events} events came after {last}{lost}", "warning")
    if request.state == "aborted":
        return Piece(f"aborted: process {request.pid} died, this is up to the last event{lost}", "warning")
    if request.lost:
        return Piece(f"incomplete{lost}", "warning")
    if not request.complete:
        return Piece("incomplete: its beginning or its end was not recorded", "warning")
    return Piece("complete", "dim")


def tracing(request: RequestSummary) -> str:
    """What recording the request has cost, of the time that it took; empty where that was not measured."""
    if not request.tracing_ns:
        return ""
    whole_ns = request.duration_ns + request.background_ns
    share = f", {100 * request.tracing_ns / whole_ns:.1f} %" if whole_ns else ""
    return f"tracing added about {format_duration(request.tracing_ns)}{share}"


def left_out(trace: Trace) -> str:
    """What of the request is stored but not shown, and how to see it; empty where all is."""
    missing = trace.left_out
    counts = (("spans", missing.spans), ("marks", missing.marks), ("steps", missing.steps), ("tasks", missing.tasks))
    named = ", ".join(f"{count} {what}" for what, count in counts if count)
    return f"not shown: {named}: too many; --all shows them, and takes its time" if named else ""


def background_ns(trace: Trace) -> int:
    """How long work went on after the response; 0 where it only unwound."""
    worth_telling = any(span.kind is SpanKind.BACKGROUND for span in trace.root.children)
    return trace.request.background_ns if worth_telling or trace.request.background_ns >= _WORTH_TELLING_NS else 0


def _timing(trace: Trace) -> str:
    background = background_ns(trace)
    return format_duration(trace.request.duration_ns) + (
        f" + {format_duration(background)} background" if background else ""
    )


def _identity(request: RequestSummary) -> Iterator[str]:
    yield f"id {request.id}"
    if request.trace_id != request.id:
        yield f"trace {request.trace_id}"
    if request.remote_parent_id:
        yield f"called by span {request.remote_parent_id}"
    if request.route and request.route != request.path:
        yield f"path {request.path}"


def _origin(request: RequestSummary, now_ns: int) -> Iterator[str]:
    yield f"{format_time(request.start_ns)} ({format_ago(request.start_ns, now_ns)})"
    yield f"{request.service} pid {request.pid}".lstrip()


def _caller(attributes: Attributes) -> Iterator[str]:
    """What the server knows of the other side."""
    said = {
        name: bare_or_quoted(value) if isinstance(value, str) else value_text(value)
        for name, value in attributes.items()
        if name in CALLER
    }
    if "client.address" in said:
        yield f"from {said['client.address']}"
    if "server.address" in said:
        yield f"to {said.get('url.scheme', 'http')}://{said['server.address']}"
    if "network.protocol.version" in said:
        yield f"HTTP {said['network.protocol.version']}"
    if "user_agent.original" in said:
        yield said["user_agent.original"]


def _sizes(request: RequestSummary) -> Iterator[str]:
    if request.first_byte_ns is not None:
        yield f"first byte {format_duration(request.first_byte_ns - request.start_ns)}"
    yield f"{request.spans} spans, {request.events} events"
    yield f"in {format_bytes(request.bytes_in)}, out {format_bytes(request.bytes_out)}"
    if request.kind == "websocket":
        yield f"messages in {request.messages_in}, out {request.messages_out}"
