"""The parts of a collector, each made where a test asks for it and closed after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.collector.collector import Collector
from tests.unit.collector.kit import Clock, FaultyWriter, Process, process, settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer() -> Iterator[FaultyWriter]:
    with FaultyWriter(settings()) as made:
        yield made


@pytest.fixture
def collector(writer: FaultyWriter, clock: Clock) -> Iterator[Collector]:
    made = Collector(settings(), writer, clock=clock)
    yield made
    made.close()


@pytest.fixture
def traced() -> Iterator[Process]:
    with process() as made:
        yield made
