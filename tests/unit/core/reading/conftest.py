"""What every test here is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scope import _core
from tests.unit.core.reading.requests import SMALL


@pytest.fixture
def session(tmp_path: Path) -> Iterator[_core.Session]:
    session = _core.Session(str(tmp_path / "s.seg"), **SMALL)
    _core.set_session(session)
    yield session
    _core.set_session(None)
    session.close()


@pytest.fixture
def segment(session: _core.Session) -> Iterator[_core.Segment]:
    segment = _core.Segment(session.path)
    yield segment
    segment.close()


@pytest.fixture
def reading(segment: _core.Segment) -> tuple[_core.Correlator, int]:
    """A correlator that reads the session's segment, and its slot."""
    correlator = _core.Correlator()
    return correlator, correlator.add(segment, 17)
