"""Runs a test once for each engine that the interpreter has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.instrument.monitoring.tool import Tool, is_available

from .transform.twins import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINES = ("ast", "monitoring") if is_available() else ("ast",)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that is marked ``transformed`` or ``monitored`` is about one engine alone."""
    if "engine" in metafunc.fixturenames:
        marked = {mark.name for mark in metafunc.definition.iter_markers()}
        engines = ENGINES[:1] if "transformed" in marked else ENGINES[1:] if "monitored" in marked else ENGINES
        metafunc.parametrize("engine", engines, indirect=True)


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine by which twins are recorded."""
    name: str = request.param
    Recorder.tool = Tool.take() if name == "monitoring" else None
    yield name
    if Recorder.tool is not None:
        Recorder.tool.close()
    Recorder.tool = None
