"""A session directory with requests of every kind in it, and the tools to look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.config import load
from tests.unit.views.cli.conftest import Traced, tracing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scope.config import Config


@pytest.fixture(scope="session")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with tracing(tmp_path_factory.mktemp("traced") / "scope") as traced:
        yield traced


@pytest.fixture
def config(traced: Traced) -> Config:
    return load(overrides={"dir": str(traced.directory)})


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A code base of one route that blocks."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "main.py").write_text(
        "import time\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "@app.get('/users')\nasync def users():\n    time.sleep(1)\n"
    )
    return tmp_path / "shop"
