"""What every test runs under: no setting of the machine's own reaches a test, and nothing a test stores outlives it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every run, also of a child process, reads and writes below this test's own directory."""
    for name in [name for name in os.environ if name.startswith("SCOPE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SCOPE_DIR", str(tmp_path / "scope"))
