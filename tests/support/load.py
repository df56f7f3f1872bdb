"""Requests one after the other from several threads, each under an id of its own."""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


PAUSE_S = 0.002
"""What is under load is the order of things, not the machine."""


class Load:
    """``answered`` are the ids that were answered with status 200 under their own id."""

    def __init__(self, port: int, path: str) -> None:
        self.answered: set[str] = set()
        self._port = port
        self._path = path
        self._stop = threading.Event()

    def ask(self, thread: int) -> None:
        """Ask until it is over; a connection that breaks is made anew, its request not counted as answered."""
        number = 0
        while not self._stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
            try:
                while not self._stop.is_set():
                    number += 1
                    self._ask_once(connection, f"{thread}-{number}")
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()

    def _ask_once(self, connection: http.client.HTTPConnection, id: str) -> None:
        connection.request("GET", self._path, headers={"X-Request-ID": id})
        response = connection.getresponse()
        response.read()
        assert (response.status, response.headers["X-Request-ID"]) == (200, id)
        self.answered.add(id)
        self._stop.wait(PAUSE_S)

    def wait_for(self, more: int) -> None:
        """Until so many more are answered."""
        enough = len(self.answered) + more
        eventually(lambda: len(self.answered) >= enough)

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def loaded(port: int, path: str = "/hello/you", threads: int = 2) -> Iterator[Load]:
    """Load during the block; what was asked by its end is answered at its end."""
    load = Load(port, path)
    asking = [threading.Thread(target=load.ask, args=(thread,)) for thread in range(threads)]
    for thread in asking:
        thread.start()
    try:
        yield load
    finally:
        load.stop()
        for thread in asking:
            thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in asking)
