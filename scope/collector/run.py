"""The collector's process: from the lock to the last request stored."""

from __future__ import annotations

import logging
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import prepare_dirs
from ..store import Writer
from .collector import Collector
from .drainer import Drainer
from .lock import Lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..config import Config

logger = logging.getLogger("scope.collector")


def run(config: Config, *, once: bool = False, idle_exit: bool = False) -> int:
    """Collect for the directory of ``config`` until SIGTERM or SIGINT, then drain and return 0.

    ``once``: store what is there and return. ``idle_exit``: return when no traced process has been there for
    ``collector.idle_exit_s``. Raises CollectorRuns where there is one already, a StoreError where the store cannot be
    opened.
    """
    prepare_dirs(config)
    with Lock(config.lock_path), _stop_signal() as stop, Writer(Path(config.store_dir), config.store) as writer:
        collector = Collector(config, writer)
        try:
            if not once:
                _loop(collector, stop, config.collector.idle_exit_s if idle_exit else None)
            collector.drain_all()
        finally:
            collector.close()
    return 0


def _loop(collector: Collector, stop: threading.Event, idle_exit_s: float | None) -> None:
    with Drainer(collector) as drainer:
        while not stop.is_set():
            pause = collector.cycle()
            _wait(pause, stop, drainer)
            if idle_exit_s is not None and collector.idle_s() > idle_exit_s:
                logger.info("no traced process for %s s: done", idle_exit_s)
                return


def _wait(pause: float, stop: threading.Event, drainer: Drainer) -> None:
    """Until the pause is over or there is reason to end it: a stop, a full correlator, a drainer that failed."""
    deadline = time.monotonic() + pause
    while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
        if drainer.full.wait(min(left, 0.1)):
            break
    drainer.check()


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Set by the first SIGTERM or SIGINT; a second one interrupts as usual."""
    stop = threading.Event()
    before: dict[signal.Signals, signal._HANDLER] = {}

    def request_stop(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, request_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
