"""The collector's process: from the lock to the last request stored."""

from __future__ import annotations

import gc
import math
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..config import prepare_dirs
from ..store import StoreError, Writer
from .calendar import Calendar
from .collector import RETRY_S, Collector
from .costs import Costs
from .drainer import Drainer
from .files import is_anyone_there
from .lock import Lock
from .status import Status, StatusFile
from .stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..config import Config


OBJECTS: Final = 50_000
"""Containers made, and not yet dropped, after which the interpreter looks for cycles; a full batch has some 10,000."""

LAST_S: Final = 10.0
"""What a collector that is asked to stop stores first takes so long at most, more or less a batch."""


def run(config: Config, *, once: bool = False) -> int:
    """Collect for the directory of ``config`` until SIGTERM or SIGINT, then drain and return 0.

    ``once``: store what is there and return. Raises CollectorRuns where there is one already, LockError or a
    StoreError where lock or store cannot be opened, a StoreError where the store does not take what is drained last.
    """
    prepare_dirs(config)
    calendar = Calendar()
    with Lock(config.lock_path), Stop() as stop, _writer(config, calendar) as writer:
        _collect(config, writer, calendar, stop, lambda _: once)
    return 0


def run_until_idle(config: Config, wanted: Callable[[], bool]) -> int:
    """As :func:`run`, until no traced process has been there for ``collector.idle_exit_s`` and it is not ``wanted``.

    As nobody looks after such a collector, it waits for a store that is full or busy.
    """

    def is_over(collector: Collector) -> bool:
        return collector.idle_s() > config.collector.idle_exit_s and not wanted()

    prepare_dirs(config)
    while True:
        calendar = Calendar()
        with Lock(config.lock_path), Stop() as stop, _patient_writer(config, calendar, stop) as writer:
            _collect(config, writer, calendar, stop, is_over)
        # A process that came while the lock was held has started no collector.
        if stop.requested or not is_anyone_there(config.segment.dir):
            return 0


@contextmanager
def _few_collections() -> Generator[None]:
    """What a batch is made of is in no cycle, and looking through all of it time and again takes time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(OBJECTS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _collect(
    config: Config, writer: Writer, calendar: Calendar, stop: Stop, is_over: Callable[[Collector], bool]
) -> None:
    costs = Costs(config.costs_path)
    collector = Collector(config, writer, calendar=calendar, costs=costs)
    try:
        with _few_collections(), Drainer(collector, stop.wake) as drainer:
            while not stop.requested and not is_over(collector):
                stop.pause(collector.cycle())
                drainer.check()
        collector.drain_all(LAST_S if stop.requested else math.inf)
    finally:
        costs.close()
        collector.close()


def _writer(config: Config, calendar: Calendar) -> Writer:
    return Writer(Path(config.store_dir), config.store, clock=calendar.latest_ns)


def _patient_writer(config: Config, calendar: Calendar, stop: Stop) -> Writer:
    """The store; waits for one that cannot be opened, as long as there are processes to collect from."""
    status = Status(os.getpid(), time.time_ns())
    file = StatusFile(config.status_path, time.monotonic_ns)
    while True:
        try:
            return _writer(config, calendar)
        except StoreError as error:
            if stop.requested or not is_anyone_there(config.segment.dir):
                raise
            if file.is_due(status, str(error), stirred=False):
                file.update(status, str(error))
        stop.pause(RETRY_S)
