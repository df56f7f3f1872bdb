"""A server under load for as long as a test looks at it."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .servers import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAUSE_S = 0.03


@dataclass
class Load:
    """What came of the requests so far, by status; 0 stands for those that had no answer."""

    port: int
    paths: Sequence[str]
    statuses: Counter[int] = field(default_factory=Counter[int])
    is_over: bool = False

    def run(self) -> None:
        for path in itertools.cycle(self.paths):
            if self.is_over:
                return
            try:
                self.statuses[fetch(self.port, path).status] += 1
            except (OSError, http.client.HTTPException):
                self.statuses[0] += 1
            time.sleep(PAUSE_S)  # the machine has other work, and the store is read while this goes on


@contextmanager
def under_load(port: int, paths: Sequence[str], visitors: int = 4) -> Iterator[Load]:
    """Visitors ask for ``paths`` in turn, each on new connections, so that all workers get some."""
    load = Load(port, paths)
    threads = [threading.Thread(target=load.run) for _ in range(visitors)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.is_over = True
        for thread in threads:
            thread.join()
