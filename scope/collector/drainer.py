"""The thread that drains."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from .collector import Collector


class Drainer:
    """Drains ``collector`` in a thread while the block runs.

    ``full`` is set while nothing more can be read before a commit, and when the thread has failed: :meth:`check` then
    raises what it failed with.
    """

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="scope-drain")
        self.full = threading.Event()

    def _run(self) -> None:
        pause: float | None = 0.0
        try:
            while not self._stop.wait(pause):
                pause = self._collector.drain()
                if pause is None:
                    self.full.set()
                    pause = 0.01
        except BaseException as error:  # noqa: BLE001 - raised in the main thread
            self._error = error
            self.full.set()

    def check(self) -> None:
        self.full.clear()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
