"""Messages to many listeners within one worker.

Each worker has channels of its own: two people reach the same chat room only where the same worker serves both. A shop
with several machines would put a message broker here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

INBOX_SIZE = 100


@dataclass(frozen=True, slots=True)
class Channel:
    """Delivers each message to everyone who listens; a listener that falls behind misses the oldest ones."""

    _inboxes: set[asyncio.Queue[str]] = field(default_factory=set)

    def publish(self, message: str) -> int:
        """Deliver ``message``; the number of listeners it went to."""
        for inbox in self._inboxes:
            if inbox.full():
                inbox.get_nowait()
            inbox.put_nowait(message)
        return len(self._inboxes)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[str]]:
        """The messages published within the block."""
        inbox: asyncio.Queue[str] = asyncio.Queue(INBOX_SIZE)
        self._inboxes.add(inbox)
        try:
            yield inbox
        finally:
            self._inboxes.discard(inbox)

    @property
    def listeners(self) -> int:
        return len(self._inboxes)


@dataclass(frozen=True, slots=True)
class Channels:
    """Channels by name; one without listeners is forgotten, so names that strangers choose don't pile up."""

    _by_name: dict[str, Channel] = field(default_factory=dict)

    @contextmanager
    def join(self, name: str) -> Iterator[tuple[Channel, asyncio.Queue[str]]]:
        """The channel ``name`` and an inbox on it, for the length of the block."""
        channel = self._by_name.setdefault(name, Channel())
        try:
            with channel.listen() as inbox:
                yield channel, inbox
        finally:
            if not channel.listeners:
                self._by_name.pop(name, None)

    def __len__(self) -> int:
        return len(self._by_name)
