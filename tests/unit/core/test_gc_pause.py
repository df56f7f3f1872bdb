"""Pauses for garbage collection: whose they are, and how long."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest

import scope
from scope import _core
from scope.model import EventType
from scope.testing import Capture, captured

STOPPED = {"generation": 2, "collected": 5, "uncollectable": 1}


@pytest.fixture
def capture() -> Iterator[Capture]:
    _core.set_least(10_000_000, 2_000_000)
    with captured() as capture:
        yield capture
    _core.set_least(10_000_000, 1_000_000)


def collect(lasts_s: float = 0.002) -> None:
    _core.gc_pause("start", {"generation": 2, "collected": 0, "uncollectable": 0})
    time.sleep(lasts_s)
    _core.gc_pause("stop", STOPPED)


def test_outside_requests_it_is_the_process_that_paused(capture: Capture) -> None:
    collect()
    [event] = capture.process_events()
    assert (event.kind, event.generation, event.collected) == ("gc", 2, 5)
    assert event.duration_ns >= 2_000_000


def test_within_a_request_it_is_the_current_spans(capture: Capture) -> None:
    request = _core.begin_request({"type": "http", "path": "/", "headers": []}, b"x-request-id", True)
    assert request is not None
    before = request.activate()
    with scope.span("inner"):
        collect()
    request.deactivate(before)
    request.end(0)
    [event] = [each for each in capture.events() if each.type is EventType.GC_PAUSE]
    assert (event.span, event.payload["uncollectable"]) == (2, 1)
    assert capture.process_events() == []


def test_after_the_end_of_its_request_it_is_the_process_again(capture: Capture) -> None:
    request = _core.begin_request({"type": "http", "path": "/", "headers": []}, b"x-request-id", True)
    assert request is not None
    before = request.activate()
    request.end(0)
    collect()
    request.deactivate(before)
    assert [event.kind for event in capture.process_events()] == ["gc"]


def test_short_ones_and_those_whose_beginning_was_not_seen_are_not_told(capture: Capture) -> None:
    _core.set_least(10_000_000, 10**12)
    _core.set_least(0, 60_000_000_000)
    collect(0)
    _core.set_least(0, 0)
    _core.gc_pause("stop", STOPPED)
    assert capture.process_events() == []


def test_the_collector_of_the_interpreter_calls_it(capture: Capture) -> None:
    _core.set_least(10_000_000, 0)
    gc.callbacks.append(_core.gc_pause)
    try:
        gc.collect(1)
    finally:
        gc.callbacks.remove(_core.gc_pause)
    assert [(event.kind, event.generation) for event in capture.process_events()] == [("gc", 1)]


@pytest.mark.parametrize("wrong", [(), ("stop",), (1, {})])
def test_it_is_called_as_gc_calls_it(wrong: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match=r"as gc\.callbacks calls it"):
        _core.gc_pause(*wrong)  # type: ignore[arg-type]
