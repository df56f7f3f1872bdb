"""A tool of the interpreter's. Where it has none these tests are left out; make test-monitoring finds one that has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.instrument.monitoring.tool import Tool, is_available

if TYPE_CHECKING:
    from collections.abc import Iterator


collect_ignore_glob = [] if is_available() else ["test_*.py"]


@pytest.fixture
def tool() -> Iterator[Tool]:
    """Ours, for the length of the test."""
    taken = Tool.take()
    assert taken is not None
    yield taken
    taken.close()
