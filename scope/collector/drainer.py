"""The thread that drains."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .collector import Collector

FULL_S: Final = 0.01
"""Pause while nothing more can be read before a commit."""


class Drainer:
    """Drains ``collector`` in a thread while the block runs.

    ``wake`` is called, once for each commit, when nothing more can be read or a writer waits before there is one. Also
    when the thread has failed: :meth:`check` then raises what it failed with.
    """

    def __init__(self, collector: Collector, wake: Callable[[], None]) -> None:
        self._collector = collector
        self._wake = wake
        self._over = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="scope-drain")

    def _run(self) -> None:
        asked_at: int | None = None
        try:
            while not self._over:
                commits = self._collector.commits
                if self._collector.drain():
                    asked_at = None
                    continue
                if asked_at != commits:
                    asked_at = commits
                    self._wake()
                time.sleep(FULL_S)
        except BaseException as error:  # noqa: BLE001 - raised in the main thread
            self._error = error
            self._wake()

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over = True
        self._thread.join()
