"""What every test runs under: no setting of the machine's own reaches a test, and nothing a test stores outlives it."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from scope import _core
from scope.capture import middleware
from scope.capture.process import process
from scope.integrations import INTEGRATIONS, registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """What tests start can be interrupted, also where a shell that runs them in the background ignores that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every run, also of a child process, reads and writes below this test's own directory.

    Garbage collection comes when it will: only tests of it let it be recorded.
    """
    for name in [name for name in os.environ if name.startswith("SCOPE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SCOPE_DIR", str(tmp_path / "scope"))
    monkeypatch.setenv("SCOPE_LOOP_MIN_GC_MS", "60000")


@pytest.fixture(autouse=True)
def nothing_left_behind(isolated: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No session, no settings, no thread, no monitoring tool and no segment elsewhere outlives a test."""
    monkeypatch.setattr(process, "_config", None)
    monkeypatch.setattr(process, "_settings", {})
    threads = set(threading.enumerate())
    shared = _segments_in_shared_memory()
    yield
    session = _core.get_session()
    _core.set_session(None)
    if _core.gc_pause in gc.callbacks:
        gc.callbacks.remove(_core.gc_pause)
    if session is not None:
        session.close()
        pytest.fail(f"a session survived the test: {session.path}")
    assert _segments_in_shared_memory() <= shared
    assert _still_running(threads) == []
    assert "scope" not in _tools()


def _tools() -> list[str | None]:
    """Who has the places that the interpreter has for tools."""
    monitoring: Any = getattr(sys, "monitoring", None)
    return [monitoring.get_tool(number) for number in range(6)] if monitoring else []


def _segments_in_shared_memory() -> set[str]:
    """Where a process without SCOPE_DIR has its segment; those of other processes come and go."""
    own = f"{os.getpid()}-"
    found = (name for _, _, files in os.walk("/dev/shm") for name in files)
    return {name for name in found if name.startswith(own) and name.endswith(".seg")}


def _still_running(before: set[threading.Thread]) -> list[str]:
    """Threads begun since; those on their way out are waited for."""
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=2)
    return [thread.name for thread in set(threading.enumerate()) - before]


@pytest.fixture
def no_integrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries as they come; ScopeMiddleware installs nothing on its own."""
    monkeypatch.setattr(middleware, "_install_integrations", lambda _: None)
    libraries = [library.module for each in INTEGRATIONS.values() for library in each.libraries]
    for module in [sys.modules[name] for name in libraries if name in sys.modules]:
        installation = vars(module).pop(registry.HOME, None)
        if installation is not None:
            installation.patches.undo()
