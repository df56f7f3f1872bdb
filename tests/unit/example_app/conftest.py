"""The shop in this process, on a database of its own, with the payments service behind it instead of the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from example_app import payments
from example_app.main import create_app
from example_app.seed import DEMO_EMAIL, DEMO_PASSWORD, ensure_database
from example_app.settings import Settings
from scope.testing import Capture, captured

CHEAP_SCRYPT_N = 2


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seeded database, to be copied."""
    path = tmp_path_factory.mktemp("stocked") / "shop.sqlite3"
    ensure_database(path, CHEAP_SCRYPT_N)
    return path


@pytest.fixture
def settings(stocked: Path, tmp_path: Path) -> Settings:
    database = Path(shutil.copy(stocked, tmp_path))
    return Settings(database=database, admin_key="staff", scrypt_n=CHEAP_SCRYPT_N, mail_delay_s=0.0)


@pytest.fixture(autouse=True)
def recording() -> Iterator[Capture]:
    """What the shop and the payments service traced; without it the middleware would open a session of its own."""
    with captured() as capture:
        yield capture


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
