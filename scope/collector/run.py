"""The collector's process: from the lock to the last request stored."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import prepare_dirs
from ..store import StoreError, Writer
from .collector import RETRY_S, Collector
from .drainer import Drainer
from .files import is_anyone_there
from .lock import Lock
from .status import Status, StatusFile

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..config import Config


def run(config: Config, *, once: bool = False) -> int:
    """Collect for the directory of ``config`` until SIGTERM or SIGINT, then drain and return 0.

    ``once``: store what is there and return. Raises CollectorRuns where there is one already, LockError or a
    StoreError where lock or store cannot be opened, a StoreError where the store does not take what is drained last.
    """
    prepare_dirs(config)
    with Lock(config.lock_path), _stop_signal() as stop, Writer(Path(config.store_dir), config.store) as writer:
        _collect(config, writer, stop, lambda _: once)
    return 0


def run_until_idle(config: Config, wanted: Callable[[], bool]) -> int:
    """As :func:`run`, until no traced process has been there for ``collector.idle_exit_s`` and it is not ``wanted``.

    As nobody looks after such a collector, it waits for a store that is full or busy.
    """

    def is_over(collector: Collector) -> bool:
        return collector.idle_s() > config.collector.idle_exit_s and not wanted()

    prepare_dirs(config)
    while True:
        with Lock(config.lock_path), _stop_signal() as stop, _patient_writer(config, stop) as writer:
            _collect(config, writer, stop, is_over)
        # A process that came while the lock was held has started no collector.
        if stop.is_set() or not is_anyone_there(config.segment.dir):
            return 0


def _collect(config: Config, writer: Writer, stop: threading.Event, is_over: Callable[[Collector], bool]) -> None:
    collector = Collector(config, writer)
    try:
        with Drainer(collector) as drainer:
            while not stop.is_set() and not is_over(collector):
                _wait(collector.cycle(), stop, drainer)
        collector.drain_all()
    finally:
        collector.close()


def _wait(pause: float, stop: threading.Event, drainer: Drainer) -> None:
    """Until the pause is over or there is reason to end it: a stop, a full correlator, a drainer that failed."""
    deadline = time.monotonic() + pause
    while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
        if drainer.full.wait(min(left, 0.1)):
            break
    drainer.check()


def _patient_writer(config: Config, stop: threading.Event) -> Writer:
    """The store; waits for one that cannot be opened, as long as there are processes to collect from."""
    status = Status(os.getpid(), time.time_ns())
    file = StatusFile(config.status_path, time.monotonic_ns)
    while True:
        try:
            return Writer(Path(config.store_dir), config.store)
        except StoreError as error:
            if stop.is_set() or not is_anyone_there(config.segment.dir):
                raise
            file.update(status, str(error))
        stop.wait(RETRY_S)


@contextmanager
def _stop_signal() -> Generator[threading.Event]:
    """Set by the first SIGTERM or SIGINT; a second one interrupts as usual."""
    stop = threading.Event()
    before: dict[signal.Signals, Any] = {}

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
