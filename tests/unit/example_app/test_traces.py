"""What the documentation promises of the shop's traces."""

from __future__ import annotations

from starlette.testclient import TestClient

from scope.model import Span, SpanKind, Trace
from scope.testing import Capture


def trace_of(recording: Capture, path: str) -> Trace:
    """The last request for ``path``."""
    return [trace for trace in recording.traces() if trace.request.path == path][-1]


def named(trace: Trace, name: str) -> list[Span]:
    return [span for _, span in trace.spans() if span.name.endswith(name)]


def test_the_product_page_shows_a_query_for_each_review(client: TestClient, recording: Capture) -> None:
    client.get("/products/2")
    trace = trace_of(recording, "/products/2")
    assert trace.request.route == "/products/{product_id}"
    (step,) = named(trace, "load reviews")
    assert [span.name for span in step.children] == ["author_name"] * 5


def test_a_checkout_is_one_trace_over_both_services(customer: TestClient, recording: Capture) -> None:
    basket = {"card": "4242424242424242", "lines": [{"product_id": 1}, {"product_id": 2}]}
    customer.post("/checkout", json=basket, headers={"X-Request-ID": "basket-1"})
    checkout, charge = trace_of(recording, "/checkout"), trace_of(recording, "/charges")
    assert checkout.request.id == charge.request.id == "basket-1"
    assert checkout.request.trace_id == charge.request.trace_id
    (step,) = named(checkout, "price basket")
    assert step.attributes["items"] == 2
    assert len(named(checkout, "line_total_cents")) == 2
    assert [span.name for span in named(charge, "ask_bank")] == ["ask_bank"]
    (handler,) = named(checkout, "check_out")
    assert {"order_id", "total_cents"} <= handler.attributes.keys()


def test_the_customer_is_named_and_the_token_is_not(customer: TestClient, recording: Capture) -> None:
    customer.get("/accounts/me")
    trace = trace_of(recording, "/accounts/me")
    assert any(span.attributes.get("user_id") == 1 for _, span in trace.spans())
    token = customer.headers["Authorization"].partition(" ")[2]
    assert token not in repr(trace)


def test_the_hashing_of_a_password_is_shown_and_the_password_is_not(client: TestClient, recording: Capture) -> None:
    client.post("/accounts", json={"email": "ann@example.org", "name": "Ann", "password": "a long secret"})
    trace = trace_of(recording, "/accounts")
    assert len(named(trace, "hash_password")) == 1
    assert "a long secret" not in repr(trace)


def test_a_report_shows_its_queries_side_by_side(client: TestClient, recording: Capture) -> None:
    client.get("/reports/summary")
    counts = named(trace_of(recording, "/reports/summary"), "count")
    assert [span.attributes["table"] for span in counts] == ["customer", "customer_order", "product"]
    assert len({span.parent_id for span in counts}) == 1


def test_a_mounted_application_is_known_by_its_full_route(client: TestClient, recording: Capture) -> None:
    client.put("/admin/stock/13", json={"pieces": 5}, headers={"X-Admin-Key": "staff"})
    assert trace_of(recording, "/admin/stock/13").request.route == "/admin/stock/{product_id}"


def test_a_failure_shows_the_exception_and_its_place(client: TestClient, recording: Capture) -> None:
    client.get("/failures/unhandled")
    trace = trace_of(recording, "/failures/unhandled")
    (lookup,) = named(trace, "look_up")
    assert lookup.exception is not None
    assert lookup.exception.type == "KeyError"
    (handler,) = [span for _, span in trace.spans() if span.kind is SpanKind.HANDLER]
    assert handler.exception is not None
    assert handler.exception.type == "example_app.failures.Mishap"
