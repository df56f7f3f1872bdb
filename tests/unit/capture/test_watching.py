"""What is watched of a process besides its requests."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest

from scope import _core, configure
from scope.capture.watching import watch_process
from scope.config import load
from scope.testing import read_segment
from tests.unit.core.test_loop import Watched


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is begun here is ended here."""
    monkeypatch.setenv("SCOPE_COLLECTOR_AUTOSTART", "false")
    yield
    session = _core.get_session()
    _core.set_session(None)
    _core.set_starter(None)
    _core.set_least(10_000_000, 1_000_000)
    if session is not None:
        session.close()


def run_a_long_step() -> None:
    loop = Watched()
    loop.call_soon(time.sleep, 0.002)
    loop.run()


def test_collections_are_watched_once_however_often_it_is_said() -> None:
    for _ in range(2):
        watch_process(load().loop)
    assert gc.callbacks.count(_core.gc_pause) == 1


def test_a_session_watches_as_it_is_configured_also_at_run_time() -> None:
    configure(loop={"min_outside_ms": 1, "min_gc_ms": 0})
    assert _core.start()
    run_a_long_step()
    gc.collect(0)
    configure(loop={"min_outside_ms": 60_000, "min_gc_ms": 60_000})
    run_a_long_step()
    gc.collect(0)
    session = _core.get_session()
    assert session is not None
    assert [event.kind for event in read_segment(session.path).process_events()] == ["step", "gc"]
