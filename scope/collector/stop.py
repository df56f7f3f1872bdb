"""The request to stop, and the pauses that it ends."""

from __future__ import annotations

import os
import select
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType


class Stop:
    """Requested by the first SIGTERM or SIGINT while the block runs; a second one interrupts as usual.

    For the main thread; elsewhere nothing requests it.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}
        # Not an Event: its lock could be held by the very code that a signal interrupts.
        self._heard, self._bell = os.pipe()
        os.set_blocking(self._heard, False)
        os.set_blocking(self._bell, False)

    def pause(self, seconds: float) -> None:
        """Sleep, unless or until a stop is requested or :meth:`wake` is called."""
        if not self.requested and select.select([self._heard], [], [], seconds)[0]:
            os.read(self._heard, 4096)

    def wake(self) -> None:
        """End the pause, the present one or the next; for any thread."""
        with suppress(BlockingIOError):  # rung often enough
            os.write(self._bell, b"\0")

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._request)
        return self

    def _request(self, number: int, _frame: object) -> None:
        self.requested = True
        signal.signal(number, self._before[number])
        self.wake()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._heard)
        os.close(self._bell)
