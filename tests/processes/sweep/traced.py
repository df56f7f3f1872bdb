"""Traced processes that write when told to, until they are killed."""

from __future__ import annotations

import os
import signal
import struct
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

from scope import span
from scope._core import Session, set_describe, set_session
from scope.capture.exceptions import describe
from tests.unit.collector.kit import Process

if TYPE_CHECKING:
    from collections.abc import Callable

_REALTIME_OFFSET: Final = 192
_NUMBER: Final = struct.Struct("<Q")


class Writer(Process):
    """What a traced process does with its segment; here the process is the one that runs it."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session, cast("Any", SimpleNamespace(pid=os.getpid())))

    def work_elsewhere(self, id: str) -> None:
        """Work in a thread of its own, that is in another lane."""
        thread = threading.Thread(target=self.work, args=(id,), kwargs={"marks": 3}, name="elsewhere")
        thread.start()
        thread.join()

    def fail(self, id: str) -> None:
        """A span that an exception leaves."""
        set_session(self.session)
        request = self._open[id]
        before = request.activate()
        with suppress(LookupError), span("failing"):
            raise LookupError("no such thing")
        request.deactivate(before)
        set_session(None)


class Traced:
    """A process with a segment at ``path``, ``sizes`` as Session takes them. ``parts`` are what it writes, in turn.

    It looks as if it had begun ``ago_ns`` earlier.
    """

    def __init__(self, path: Path, *parts: Callable[[Writer], None], ago_ns: int = 0, **sizes: int) -> None:
        self.path = path
        self._parts = parts
        self._is_alive = True
        wait, self._go = os.pipe()
        self._ready, tell = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._live(wait, tell, ago_ns, sizes)
            except BaseException:  # noqa: BLE001 - the parent finds a broken pipe
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(wait)
        os.close(tell)
        self.lost = self._hear()

    def _live(self, wait: int, tell: int, ago_ns: int, sizes: dict[str, Any]) -> None:
        session = Session(str(self.path), resource={"service.name": self.path.stem}, **sizes)
        _put_back(self.path, ago_ns)
        set_describe(describe)
        writer = Writer(self.path, session)
        for part in self._parts:
            os.write(tell, _NUMBER.pack(session.statistics()["lost"]))
            os.read(wait, 1)
            part(writer)
        os.write(tell, _NUMBER.pack(session.statistics()["lost"]))
        signal.pause()

    def _hear(self) -> int:
        return int(_NUMBER.unpack(os.read(self._ready, _NUMBER.size))[0])

    def go_on(self) -> None:
        """Write the next part; ``lost`` is then how many events found no room."""
        os.write(self._go, b".")
        self.lost = self._hear()

    def die(self) -> None:
        """As kill -9 does it; nothing where it is dead."""
        if self._is_alive:
            self._is_alive = False
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self._go)
            os.close(self._ready)


def _put_back(segment: Path, by_ns: int) -> None:
    """Let the process have begun so much earlier; nobody has opened its segment yet."""
    with segment.open("r+b") as file:
        file.seek(_REALTIME_OFFSET)
        (realtime_ns,) = _NUMBER.unpack(file.read(_NUMBER.size))
        file.seek(_REALTIME_OFFSET)
        file.write(_NUMBER.pack(realtime_ns - by_ns))
