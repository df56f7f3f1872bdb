from __future__ import annotations

import sqlite3
from contextlib import closing

from starlette.testclient import TestClient

from example_app.settings import Settings

ANN = {"email": "ann@example.org", "name": "Ann", "password": "long enough"}


def test_who_registers_can_log_in_and_is_known_by_the_token(client: TestClient) -> None:
    registered = client.post("/accounts", json=ANN)
    assert registered.status_code == 201
    token = client.post("/accounts/login", json=ANN).json()["access_token"]
    me = client.get("/accounts/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json() == {"id": registered.json()["id"], "email": "ann@example.org", "name": "Ann"}


def test_an_address_registers_once(client: TestClient) -> None:
    client.post("/accounts", json=ANN)
    again = client.post("/accounts", json=ANN | {"email": "ANN@example.org"})
    assert again.status_code == 409
    assert again.json()["error"] == "EmailTaken"


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client: TestClient) -> None:
    client.post("/accounts", json=ANN)
    wrong = client.post("/accounts/login", json=ANN | {"password": "something else"})
    unknown = client.post("/accounts/login", json=ANN | {"email": "bob@example.org"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_without_a_valid_token_nobody_is_logged_in(client: TestClient) -> None:
    assert client.get("/accounts/me").status_code == 401
    assert client.get("/accounts/me", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_an_expired_token_is_worth_nothing(customer: TestClient, settings: Settings) -> None:
    with closing(sqlite3.connect(settings.database)) as connection:
        connection.execute("UPDATE access_token SET expires_at = '2020-01-01 00:00:00.000000'")
        connection.commit()
    assert customer.get("/accounts/me").status_code == 401


def test_registration_sends_a_letter_after_the_answer(client: TestClient, settings: Settings) -> None:
    client.post("/accounts", json=ANN)
    with closing(sqlite3.connect(settings.database)) as connection:
        letters = connection.execute("SELECT recipient, subject FROM letter").fetchall()
    assert letters == [("ann@example.org", "Welcome to the shop")]


def test_neither_password_nor_token_is_stored(client: TestClient, settings: Settings) -> None:
    client.post("/accounts", json=ANN)
    token = client.post("/accounts/login", json=ANN).json()["access_token"]
    with closing(sqlite3.connect(settings.database)) as connection:
        everything = "\n".join(connection.iterdump())
    assert ANN["password"] not in everything
    assert token not in everything
