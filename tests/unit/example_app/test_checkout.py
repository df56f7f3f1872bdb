from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import httpx
import pytest
from starlette.testclient import TestClient

from example_app.main import create_app
from example_app.seed import DEMO_EMAIL, DEMO_PASSWORD, SOLD_OUT, list_price_cents
from example_app.settings import Settings

GOOD_CARD = "4242424242424242"


def basket(card: str = GOOD_CARD, *products: int) -> dict[str, object]:
    return {"card": card, "lines": [{"product_id": product} for product in products or (1, 2)]}


def stock(settings: Settings, product: int) -> int:
    with closing(sqlite3.connect(settings.database)) as connection:
        pieces: int = connection.execute("SELECT stock FROM product WHERE id = ?", (product,)).fetchone()[0]
        return pieces


def order_states(settings: Settings) -> list[str]:
    with closing(sqlite3.connect(settings.database)) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM customer_order")]


def test_a_paid_order_takes_the_goods_and_sends_a_letter(customer: TestClient, settings: Settings) -> None:
    before = stock(settings, 1)
    answer = customer.post("/checkout", json=basket())
    assert answer.status_code == 201
    receipt = answer.json()
    assert receipt["total_cents"] == list_price_cents(1) + list_price_cents(2)
    assert len(receipt["charge_id"]) == 24
    assert stock(settings, 1) == before - 1
    assert order_states(settings) == ["PAID"]
    with closing(sqlite3.connect(settings.database)) as connection:
        letters = connection.execute("SELECT recipient, subject FROM letter").fetchall()
    assert letters == [(DEMO_EMAIL, f"Your order {receipt['order_id']}")]


@pytest.mark.parametrize(
    ("card", "status", "error"),
    [
        ("4000000000000002", 402, "PaymentDeclined"),
        ("4000000000000119", 502, "PaymentUnavailable"),
    ],
)
def test_a_charge_that_fails_gives_the_goods_back(
    customer: TestClient, settings: Settings, card: str, status: int, error: str
) -> None:
    before = stock(settings, 1)
    answer = customer.post("/checkout", json=basket(card))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert stock(settings, 1) == before
    assert order_states(settings) == ["CANCELLED"]


@pytest.mark.parametrize(("fault", "status"), [(httpx.ConnectError, 502), (httpx.ReadTimeout, 504)])
def test_without_an_answer_from_payments_nothing_is_sold(
    settings: Settings, fault: type[httpx.TransportError], status: int
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise fault("no answer", request=request)

    with TestClient(create_app(settings, httpx.MockTransport(fail))) as client:
        login = client.post("/accounts/login", json={"email": DEMO_EMAIL, "password": DEMO_PASSWORD})
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        answer = client.post("/checkout", json=basket(), headers=headers)
    assert answer.status_code == status
    assert order_states(settings) == ["CANCELLED"]


def test_payments_gets_the_identity_of_the_request(settings: Settings) -> None:
    seen: dict[str, str] = {}

    def pay(request: httpx.Request) -> httpx.Response:
        seen.update(request.headers)
        return httpx.Response(201, json={"charge_id": "c1"})

    with TestClient(create_app(settings, httpx.MockTransport(pay))) as client:
        login = client.post("/accounts/login", json={"email": DEMO_EMAIL, "password": DEMO_PASSWORD})
        headers = {"Authorization": f"Bearer {login.json()['access_token']}", "X-Request-ID": "basket-1"}
        client.post("/checkout", json=basket(), headers=headers)
    assert seen["x-request-id"] == "basket-1"
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", seen["traceparent"])


def test_a_basket_with_one_sold_out_product_takes_nothing(customer: TestClient, settings: Settings) -> None:
    before = stock(settings, 1)
    answer = customer.post("/checkout", json=basket(GOOD_CARD, 1, SOLD_OUT))
    assert (answer.status_code, answer.json()["error"]) == (409, "OutOfStock")
    assert stock(settings, 1) == before
    assert order_states(settings) == []


def test_lines_of_the_same_product_are_added_up(customer: TestClient, settings: Settings) -> None:
    before = stock(settings, 5)
    assert customer.post("/checkout", json=basket(GOOD_CARD, 5, 5, 5)).status_code == 201
    assert stock(settings, 5) == before - 3


def test_an_unknown_product_is_not_found(customer: TestClient) -> None:
    assert customer.post("/checkout", json=basket(GOOD_CARD, 999)).status_code == 404


def test_strangers_cannot_buy(client: TestClient) -> None:
    assert client.post("/checkout", json=basket()).status_code == 401


def test_an_order_is_announced_to_those_who_listen(customer: TestClient) -> None:
    with customer.app_state["shop"].orders.listen() as inbox:
        customer.post("/checkout", json=basket())
        assert inbox.get_nowait() == "order 1: 2 products"
