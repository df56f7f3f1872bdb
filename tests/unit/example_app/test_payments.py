from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from example_app.payments import app, risk_percent


def charge(card: str, amount_cents: int = 500) -> dict[str, object]:
    return {"order_id": 7, "amount_cents": amount_cents, "card": card}


@pytest.fixture
def client() -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def test_charging_an_order_again_gives_the_same_charge(client: TestClient) -> None:
    first, second = (client.post("/charges", json=charge("4242424242424242")) for _ in range(2))
    assert first.status_code == 201
    assert first.json() == second.json()


@pytest.mark.parametrize(("card", "status"), [("4000000000000002", 402), ("4000000000000119", 500), ("card", 422)])
def test_the_card_decides_what_goes_wrong(client: TestClient, card: str, status: int) -> None:
    assert client.post("/charges", json=charge(card)).status_code == status


def test_a_fortune_is_too_risky(client: TestClient) -> None:
    assert client.post("/charges", json=charge("4242424242424242", 1_000_000)).status_code == 402


def test_risk_grows_with_the_amount_up_to_certainty() -> None:
    assert [risk_percent(cents) for cents in (0, 500_000, 5_000_000)] == [0, 50, 100]
