"""Threads that work for the request which started them."""

from __future__ import annotations

import threading
from contextvars import copy_context


class Thread(threading.Thread):
    """A ``threading.Thread`` that runs in a copy of the context in which :meth:`start` was called.

    What it does is recorded in the request that was current there; a bare thread belongs to no request.
    """

    def start(self) -> None:
        run, context = self.run, copy_context()

        def run_in_context() -> None:
            del self.run  # a thread that has run holds neither itself nor its context
            context.run(run)

        # On the instance, so that it also wraps the run() of a subclass.
        self.run = run_in_context  # type: ignore[method-assign]  # of this thread alone
        try:
            super().start()
        except BaseException:
            del self.run
            raise
