from __future__ import annotations

import csv

from starlette.testclient import TestClient

from example_app.seed import PRODUCTS


def test_the_export_has_a_line_for_every_product(client: TestClient) -> None:
    answer = client.get("/exports/products.csv")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert answer.headers["content-type"].startswith("text/csv")
    assert [int(row["id"]) for row in rows] == list(range(1, PRODUCTS + 1))
    assert rows[0] == {"id": "1", "name": "Amber kettle", "category": "living", "price_cents": "437"}


def test_the_export_is_sent_in_pieces(client: TestClient) -> None:
    with client.stream("GET", "/exports/products.csv") as answer:
        assert "content-length" not in answer.headers
        answer.read()


def test_without_orders_the_event_stream_ticks_and_ends_at_its_limit(client: TestClient) -> None:
    answer = client.get("/events/orders", params={"limit": 2, "tick_ms": 10})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == 'id: 1\nevent: tick\ndata: ""\n\nid: 2\nevent: tick\ndata: ""\n\n'
