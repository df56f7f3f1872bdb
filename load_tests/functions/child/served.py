"""Requests as uvicorn serves them: its protocol reads and writes bytes, with nothing of the network around it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from uvicorn import Config
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from .exchange import App

LONGER_THAN_IT_TAKES_S = 3600
REQUEST = b"GET /basket HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept: */*\r\n\r\n"


class Served:
    """An application on one keep-alive connection."""

    def __init__(self, app: App) -> None:
        self.connection = Connection()
        self._config: Any = Config(
            cast("Any", app),
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=LONGER_THAN_IT_TAKES_S,
        )
        self._config.load()
        self._state = ServerState()
        self._protocol: Any = None

    async def requests(self, count: int) -> None:
        """So many, one after the other."""
        if self._protocol is None:
            self._protocol = self._config.http_protocol_class(self._config, self._state, {})
            self._protocol.connection_made(self.connection)
        for _ in range(count):
            self._protocol.data_received(REQUEST)
            [task] = self._state.tasks
            await task


class Connection(asyncio.Transport):
    """What a protocol writes to; it keeps the last answer."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = b""

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.answer = bytes(data) if data[:5] == b"HTTP/" else self.answer + bytes(data)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    resume_reading = pause_reading
