from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.testclient import TestClient

from example_app import catalogue
from example_app.seed import list_price_cents


def test_the_list_is_paged(client: TestClient) -> None:
    first, second = (client.get("/products", params={"page": page}).json() for page in (1, 2))
    assert [card["id"] for card in first] == list(range(1, 21))
    assert [card["id"] for card in second] == list(range(21, 41))


def test_the_list_can_be_of_one_category(client: TestClient) -> None:
    cards = client.get("/products", params={"category": "hall"}).json()
    assert {card["category"] for card in cards} == {"hall"}


def test_the_product_page_has_the_reviews_with_their_authors(client: TestClient) -> None:
    page = client.get("/products/2").json()
    assert page["name"] == "Amber lamp"
    assert page["in_stock"]
    assert [review["author"] for review in page["reviews"]] == [f"Reader {number}" for number in range(4, 9)]


def test_the_product_page_makes_one_query_more_for_each_review(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    real = catalogue.author_name

    async def counted(session: AsyncSession, author_id: int) -> str:
        calls.append(author_id)
        return await real(session, author_id)

    monkeypatch.setattr(catalogue, "author_name", counted)
    assert len(client.get("/products/2").json()["reviews"]) == len(calls) == 5


def test_a_price_counts_the_discount(client: TestClient) -> None:
    answer = client.get("/products/7/price", params={"quantity": 10})
    assert answer.json() == {"product_id": 7, "quantity": 10, "total_cents": list_price_cents(7) * 9}


@pytest.mark.parametrize("path", ["/products/201", "/products/201/price"])
def test_an_unknown_product_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/products/0", "/products/lamp/price", "/products?page=0"])
def test_nonsense_is_refused(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422
