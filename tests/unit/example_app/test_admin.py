from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from example_app.main import create_app
from example_app.settings import Settings

STAFF = {"X-Admin-Key": "staff"}


@pytest.mark.parametrize("headers", [{}, {"X-Admin-Key": "guess"}])
def test_without_the_key_the_door_stays_shut(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/admin/orders", headers=headers).status_code == 403


def test_without_a_key_set_nobody_is_staff(settings: Settings) -> None:
    with TestClient(create_app(replace(settings, admin_key=""))) as client:
        assert client.get("/admin/orders", headers={"X-Admin-Key": ""}).status_code == 403


def test_stock_can_be_set(client: TestClient) -> None:
    assert client.put("/admin/stock/13", json={"pieces": 5}, headers=STAFF).json() == {"pieces": 5}
    assert client.get("/products/13").json()["in_stock"]


def test_orders_can_be_read(customer: TestClient) -> None:
    lines = [{"product_id": 3, "quantity": 2}]
    customer.post("/checkout", json={"card": "4242424242424242", "lines": lines})
    order = customer.get("/admin/orders/1", headers=STAFF).json()
    assert (order["state"], order["quantities"]) == ("paid", {"3": 2})
    assert customer.get("/admin/orders", headers=STAFF).json() == [order]


@pytest.mark.parametrize("path", ["stock/999", "orders/999"])
def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    method = "PUT" if path.startswith("stock") else "GET"
    answer = client.request(method, f"/admin/{path}", json={"pieces": 1}, headers=STAFF)
    assert answer.status_code == 404
