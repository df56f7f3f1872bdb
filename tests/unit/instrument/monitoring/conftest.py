"""A tool of the interpreter's; where it has none, these tests have nothing to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.instrument.monitoring.tool import Tool, is_available

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tool() -> Iterator[Tool]:
    """Ours, for the length of the test."""
    if not is_available():
        pytest.skip("this interpreter does not tell of calls")
    taken = Tool.take()
    assert taken is not None
    yield taken
    taken.close()
