"""Requests and traces made by hand, every time and id given."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from scope.model import ExceptionInfo, Frame, Mark, RequestSummary, Span, SpanKind, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

START_NS = 1_700_000_000_000_000_000
MS = 1_000_000

DECLINED = ExceptionInfo(
    "shop.errors.PaymentDeclined",
    "card 0002 was declined",
    (
        Frame("/srv/shop/checkout.py", "checkout", 88, in_app=True),
        Frame("/usr/lib/python3/site-packages/httpx/_client.py", "send", 914, in_app=False),
        Frame("/srv/shop/payments.py", "charge", 31, in_app=True),
    ),
    time_ns=START_NS + 380 * MS,
)


def make_request(**fields: Any) -> RequestSummary:
    """A finished GET; ``fields`` replace its own."""
    request = RequestSummary(
        id="4f1c09abd2e84c7f9e0b6a7d8c5e3f21",
        trace_id="4f1c09abd2e84c7f9e0b6a7d8c5e3f21",
        span_id="00000000000000a1",
        remote_parent_id=None,
        kind="http",
        method="GET",
        path="/users/42",
        route="/users/{id}",
        status=200,
        state="done",
        outcome="ok",
        start_ns=START_NS,
        first_byte_ns=START_NS + 11 * MS,
        duration_ns=12 * MS,
        background_ns=0,
        error=None,
        spans=2,
        events=8,
        errors=0,
        lost=0,
        complete=True,
        bytes_in=0,
        bytes_out=512,
        messages_in=0,
        messages_out=0,
        pid=4711,
        service="shop",
    )
    return replace(request, **fields)


def make_span(
    name: str, start_ms: float, duration_ms: float | None, *children: Span, kind: str = "INTERNAL", **fields: Any
) -> Span:
    """A span that began ``start_ms`` after the trace; its ids are put right by :func:`make_trace`."""
    duration_ns = None if duration_ms is None else round(duration_ms * MS)
    span = Span(
        span_id="",
        parent_id=None,
        name=name,
        kind=SpanKind[kind],
        start_ns=START_NS + round(start_ms * MS),
        duration_ns=duration_ns,
        status="open" if duration_ns is None else "ok",
        children=children,
        thread="MainThread",
    )
    return replace(span, **fields)


def make_trace(root: Span, **fields: Any) -> Trace:
    """The trace of ``root``; spans are numbered from a1, parents before children."""
    numbers = count(0xA1)

    def numbered(span: Span, parent: str | None) -> Span:
        span_id = f"{next(numbers):016x}"
        children = tuple(numbered(child, span_id) for child in span.children)
        return replace(span, span_id=span_id, parent_id=parent, children=children)

    whole = numbered(root, None)
    spans = next(numbers) - 0xA1
    return Trace(make_request(**{"duration_ns": whole.duration_ns or 0, "spans": spans, **fields}), whole)


def checkout() -> Trace:
    """A failed checkout with an N+1 query and a mail sent in the background."""
    return make_trace(
        make_span(
            "POST /orders/{id}/checkout",
            0,
            500,
            make_span("AuthMiddleware", 0.2, 1.2, kind="MIDDLEWARE"),
            make_span("get_session", 1.5, 0.4, kind="DEPENDENCY"),
            make_span("checkout", 2, 408, *_checkout_steps(), kind="HANDLER", **_declined()),
            make_span("answer_shop_error", 410.2, 1.1, kind="EXCEPTION_HANDLER"),
            make_span(
                "send_mail",
                413,
                86,
                make_span("render", 414, 3, file="/srv/shop/mail.py", line=12, kind="FUNCTION"),
                make_span("smtp", 418, 80, kind="CLIENT", attributes={"host": "mail.example"}),
                kind="BACKGROUND",
            ),
            kind="SERVER",
        ),
        method="POST",
        path="/orders/17/checkout",
        route="/orders/{id}/checkout",
        status=402,
        duration_ns=412 * MS,
        background_ns=88 * MS,
        errors=2,
        events=70,
        first_byte_ns=START_NS + 411 * MS,
        bytes_in=312,
        bytes_out=1204,
    )


def _declined() -> dict[str, Any]:
    return {"status": "error", "exception": DECLINED, "file": "/srv/shop/checkout.py", "line": 88}


def _checkout_steps() -> Iterator[Span]:
    yield make_span("SELECT orders", 3, 4.1, kind="DATABASE", attributes={"rows": 1})
    for number in range(24):
        yield make_span(
            "SELECT products", 8 + number * 5, 2 + number % 4, kind="DATABASE", attributes={"id": number, "rows": 1}
        )
    yield make_span(
        "total", 130, 0.02, kind="FUNCTION", marks=(Mark("cache miss", START_NS + 130 * MS, {"key": "price list"}),)
    )
    yield make_span(
        "POST payments/charges", 132, 275, kind="CLIENT", status="error", exception=DECLINED, attributes={"status": 402}
    )
