"""Requests and traces made by hand, every time and id given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scope.model import ExceptionInfo, Frame, Mark, RequestSummary, Span, SpanKind, Trace
from tests.support.summaries import finished

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
    """A finished GET of two spans; ``fields`` replace its own."""
    own = {"start_ns": START_NS, "first_byte_ns": START_NS + 11 * MS, "duration_ns": 12 * MS}
    return finished(**{**own, "spans": 2, "events": 8, "bytes_out": 512, **fields})


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
    """The trace of ``root``; spans are numbered from a1, parents before children. No span may stand in it twice."""
    order, stack = [], [root]
    while stack:
        order.append(stack.pop())
        stack.extend(reversed(order[-1].children))
    ids = {id(span): f"{number:016x}" for number, span in enumerate(order, 0xA1)}
    parents = {id(child): ids[id(span)] for span in order for child in span.children}
    made: dict[int, Span] = {}
    for span in reversed(order):
        children = tuple(made[id(child)] for child in span.children)
        made[id(span)] = replace(span, span_id=ids[id(span)], parent_id=parents.get(id(span)), children=children)
    whole = made[id(root)]
    return Trace(make_request(**{"duration_ns": whole.duration_ns or 0, "spans": len(order), **fields}), whole)


def checkout() -> Trace:
    """A failed checkout with an N+1 query and a mail sent in the background."""
    return make_trace(
        make_span(
            "POST /orders/{id}/checkout",
            0,
            412,
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
            attributes={
                "url.scheme": "https",
                "network.protocol.version": "1.1",
                "client.address": "192.0.2.7",
                "server.address": "shop.example",
                "user_agent.original": "Mozilla/5.0 (X11)",
                "http.route": "/orders/{id}/checkout",
                "customer": "ann",
            },
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


def frozen() -> Trace:
    """An open request: its handler waits for a lock in a thread, a sibling task for the network."""
    return make_trace(
        make_span(
            "GET /report",
            0,
            None,
            make_span("get_session", 1, 2, kind="DEPENDENCY"),
            make_span(
                "report",
                4,
                None,
                make_span("read_pages", 5, 40, kind="FUNCTION"),
                make_span(
                    "lock.acquire", 50, None, kind="FUNCTION", file="/srv/shop/reports.py", line=31, thread="pool-1"
                ),
                make_span("GET stock/levels", 51, None, kind="CLIENT"),
                kind="HANDLER",
            ),
            kind="SERVER",
        ),
        path="/report",
        route="/report",
        status=None,
        state="open",
        outcome="ok",
        duration_ns=60 * MS,
        first_byte_ns=None,
        complete=False,
        tracing_ns=0,
        events=9,
    )


def cut_off() -> Trace:
    """A request whose process was killed, and of which some events had been lost before."""
    losses = (Mark("events lost", START_NS + 20 * MS, {"scope.lost": 37, "scope.loss_reason": "lapped"}),)
    return make_trace(
        make_span(
            "GET /export",
            0,
            None,
            make_span("row", 25, None, attributes={"scope.start_lost": True}),
            make_span("flush", 30, 5, status="cancelled", attributes={"scope.parent_lost": True}),
            marks=losses,
            kind="SERVER",
            status="cancelled",
        ),
        id="caller-7",
        path="/export",
        route="/export",
        status=200,
        state="aborted",
        duration_ns=40 * MS,
        lost=37,
        complete=False,
        tracing_ns=0,
        remote_parent_id="00f067aa0ba902b7",
    )


SAMPLES = {"checkout": checkout, "frozen": frozen, "cut_off": cut_off}
