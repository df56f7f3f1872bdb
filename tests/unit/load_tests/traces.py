"""Requests and traces as a store would give them back."""

from __future__ import annotations

from scope.model import RequestSummary, Span, SpanKind, Trace
from tests.support.summaries import finished


def row(number: int) -> RequestSummary:
    """The request ``run-NUMBER`` for a price, as it should be stored."""
    return finished(
        id=f"run-{number}",
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        path=f"/products/{number}/price",
        route="/products/{product_id}/price",
        spans=3,
        events=9,
        bytes_out=40,
        pid=1,
    )


def trace(number: int) -> Trace:
    """The same request with its spans."""
    request = row(number)
    function = Span("f" * 16, "e" * 16, "line_total_cents", SpanKind.FUNCTION, 2, 1, "ok")
    attributes = {"items": number}
    step = Span("e" * 16, request.span_id, "price basket", SpanKind.INTERNAL, 1, 3, "ok", attributes, None, (function,))
    return Trace(request, root(number, step))


def root(number: int, *children: Span) -> Span:
    """The span of the request itself, above ``children``."""
    return Span(f"{number:016x}", None, "GET", SpanKind.SERVER, 0, 5, "ok", {}, None, children)


def work(path: str, parent_id: str, *children: Span, owner: str = "run-1") -> Span:
    """A signed piece of work; its span id is made from its path."""
    attributes = {"owner": owner, "path": path}
    return Span(span_id(path), parent_id, "work", SpanKind.INTERNAL, 0, 1, "ok", attributes, None, children)


def span_id(path: str) -> str:
    return path.encode().hex().ljust(16, "0")
