"""Threads that work for the request which started them."""

from __future__ import annotations

import threading
from contextvars import Context, copy_context


class Thread(threading.Thread):
    """A ``threading.Thread`` that runs in a copy of the context in which :meth:`start` was called.

    What it does is recorded in the request that was current there; a bare thread belongs to no request.
    """

    _context: Context | None = None

    def start(self) -> None:
        self._context = copy_context()
        super().start()

    def run(self) -> None:
        context, self._context = self._context, None
        if context is None:
            super().run()
        else:
            context.run(super().run)
