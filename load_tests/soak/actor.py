"""A process that is started again after it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ..processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

STOP_S: Final = 60.0


class Actor:
    """Python with the arguments that ``arguments`` gives, other ones for each life; its output goes to ``log``."""

    def __init__(
        self, kind: str, arguments: Callable[[], Sequence[str]], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.kind = kind
        self.lives = 0
        self._arguments = arguments
        self._log = log
        self._environment = os.environ | dict(environment)
        self._process = self._start()

    def pids(self) -> list[int]:
        """Its own pid, while it lives."""
        return [self._process.pid] if self._process.poll() is None else []

    def revive(self) -> None:
        """Start it anew if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_S)
        if self._process.poll() is not None:
            self._process = self._start()

    def recycle(self) -> int:
        """End it as a service manager does, and start it anew; the exit code of its life."""
        code = self.stop()
        self._process = self._start()
        return code

    def stop(self) -> int:
        """SIGTERM; its exit code, that of SIGKILL where it did not end in time."""
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(STOP_S)
        self._process.kill()
        return self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self.lives += 1
        with self._log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *self._arguments()],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
