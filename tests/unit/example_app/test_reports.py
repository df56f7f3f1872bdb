from __future__ import annotations

from starlette.testclient import TestClient

from example_app.reports import similar_pairs
from example_app.seed import AUTHORS, PRODUCTS, SOLD_OUT


def test_the_summary_counts_customers_orders_and_gaps(client: TestClient) -> None:
    expected = {"customers": AUTHORS + 1, "paid_orders": 0, "sold_out": PRODUCTS // SOLD_OUT}
    assert client.get("/reports/summary").json() == expected


def test_similar_names_are_paired() -> None:
    assert similar_pairs(["Amber jug", "Amber mug", "Jade clock"]) == [("Amber jug", "Amber mug")]


def test_the_report_on_names_is_answered_from_a_thread(client: TestClient) -> None:
    assert {"first": "Amber jug", "second": "Amber mug"} in client.get("/reports/similar?limit=20").json()


def test_stocktake_takes_at_least_as_long_as_it_blocks(client: TestClient) -> None:
    answer = client.get("/reports/stocktake?ms=20")
    assert answer.json() == {"blocked_ms": 20}
    assert answer.elapsed.total_seconds() >= 0.02
