"""The shop in this process, on a database of its own, with the payments service behind it instead of the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from example_app import payments
from example_app.main import create_app
from example_app.seed import DEMO_EMAIL, DEMO_PASSWORD
from example_app.settings import Settings

CHEAP_SCRYPT_N = 2


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=tmp_path / "shop.sqlite3", admin_key="staff", scrypt_n=CHEAP_SCRYPT_N, mail_delay_s=0.0)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    # As a server would: an exception in the payments service is its own 500 and not the shop's exception.
    transport = httpx.ASGITransport(app=payments.app, raise_app_exceptions=False)
    app = create_app(settings, transport)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def customer(client: TestClient) -> TestClient:
    """The client, logged in as the demo customer."""
    answer = client.post("/accounts/login", json={"email": DEMO_EMAIL, "password": DEMO_PASSWORD})
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client
