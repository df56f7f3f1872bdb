"""The span of the request itself: what its summary says, under OpenTelemetry's names, and what was annotated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import Span, SpanKind

if TYPE_CHECKING:
    from ..model import Attributes, AttributeValue, RequestSummary
    from .span_draft import SpanDraft


def freeze_root(draft: SpanDraft, request: RequestSummary, route: str | None) -> Span:
    """The root with the children it has been given.

    It ends where the summary says, at the response's last byte, though work in the background may go on below it.
    ``draft.name`` is that of a task's definition; ``route`` stands in where the summary has none yet.
    """
    ended = request.state == "done" or draft.end_ns is not None
    route = request.route or route
    return Span(
        span_id=request.span_id,
        parent_id=None,
        name=_name(request, route, draft.name),
        kind=SpanKind.INTERNAL if request.kind == "task" else SpanKind.SERVER,
        start_ns=request.start_ns,
        duration_ns=request.duration_ns if ended else None,
        status=_status(request),
        attributes={**_attributes(request, route), **draft.attributes},
        exception=draft.exception,
        children=tuple(draft.children),
        thread=draft.thread,
        file=draft.file,
        line=draft.line,
        marks=draft.marks,
        spans_left_out=draft.spans_left_out,
        marks_left_out=draft.marks_left_out,
    )


def _name(request: RequestSummary, route: str | None, task: str) -> str:
    if request.kind == "lifespan":
        return "lifespan"
    if request.kind == "task":
        return task or request.path or "task"
    method = "WEBSOCKET" if request.kind == "websocket" else request.method
    return f"{method} {route or request.path}".strip() or "(unnamed)"


def _status(request: RequestSummary) -> str:
    if request.state == "open":
        return "open"
    if request.outcome == "exception" or (request.status or 0) >= 500:
        return "error"
    if request.state == "aborted" or request.outcome in {"cancelled", "disconnected"}:
        return "cancelled"
    return "ok"


def _attributes(request: RequestSummary, route: str | None) -> Attributes:
    """Semantic conventions; a name is left out where the request has nothing to say for it."""
    if request.kind in {"task", "lifespan"}:
        return {"error.type": request.error} if request.error else {}
    said: dict[str, AttributeValue] = {
        "http.request.method": request.method or None,
        "url.path": request.path or None,
        "http.route": route,
        "http.response.status_code": request.status,
        "http.request.body.size": request.bytes_in or None,
        "http.response.body.size": None if request.kind == "websocket" else request.bytes_out or None,
        "error.type": request.error,
    }
    return {name: value for name, value in said.items() if value is not None}
