"""Each test installs what it needs in libraries that nobody else has touched, and reads back what was captured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from scope.integrations import INTEGRATIONS, registry
from scope.integrations._faults import report
from scope.testing import Capture, captured


@pytest.fixture(autouse=True)
def pristine(no_integrations: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test leaves an integration behind, nor does it keep a fault from being said in the next."""
    monkeypatch.setenv("SCOPE_COLLECTOR_AUTOSTART", "false")
    report.cache_clear()
    yield
    assert touched() == []


def touched() -> list[ModuleType]:
    """Libraries in which somebody left an integration."""
    names = [library.module for each in INTEGRATIONS.values() for library in each.libraries]
    return [module for module in map(sys.modules.get, names) if module and registry.HOME in vars(module)]


@pytest.fixture
def capture() -> Iterator[Capture]:
    with captured() as capture:
        yield capture
