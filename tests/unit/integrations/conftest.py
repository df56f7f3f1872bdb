"""Each test installs what it needs in libraries that nobody else has touched, and reads back what was recorded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from scope.capture import middleware
from scope.integrations import INTEGRATIONS, registry
from scope.integrations._faults import report

from .recording import Recording


@pytest.fixture(autouse=True)
def pristine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The libraries as they come; ScopeMiddleware installs nothing on its own."""
    monkeypatch.setenv("SCOPE_COLLECTOR_AUTOSTART", "false")
    monkeypatch.setattr(middleware, "_install_integrations", lambda _: None)
    report.cache_clear()
    for module in touched():
        vars(module).pop(registry.HOME).patches.undo()
    yield
    assert list(touched()) == []


def touched() -> list[ModuleType]:
    """Libraries in which somebody left an integration."""
    names = [library.module for each in INTEGRATIONS.values() for library in each.libraries]
    return [module for module in map(sys.modules.get, names) if module and registry.HOME in vars(module)]


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    with Recording(tmp_path / "test.seg") as recording:
        yield recording
