"""Sessions of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scope import _core, probe
from scope.model import Definition
from scope.wire.definitions import decode_definition
from scope.wire.segment import SegmentFile

SMALL: dict[str, Any] = {"lanes": 2, "first_lane_bytes": 32768, "lane_bytes": 32768, "definitions_bytes": 4096}


@probe
def step() -> None:
    """Something that happens."""


@contextmanager
def session_at(path: Path, **sizes: Any) -> Iterator[_core.Session]:
    """A session that is this process's for the time of the block."""
    session = _core.Session(str(path), **sizes)
    _core.set_session(session)
    try:
        yield session
    finally:
        _core.set_session(None)
        session.close()


def definitions(path: Path) -> list[Definition]:
    with SegmentFile(path) as segment:
        return [decode_definition(entry) for entry in segment.definitions()]
