"""The processes of a load test: started with their output in a file, measured while they run, ended in any case."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
STOP_S = 20.0
START_S = 30.0


class ChildError(RuntimeError):
    """A process did not start, or ended when it should not; the message holds the end of its output."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process and its descendants, in a session of their own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def pids(self) -> list[int]:
        """The process and its descendants that live now."""
        found = [self.process.pid]
        for pid in found:
            found.extend(_children(pid))
        return found

    def cpu_ns(self) -> int:
        """CPU time that the living processes have used, all their threads counted."""
        return sum(_cpu_ns(pid) for pid in self.pids())

    def peak_bytes(self) -> int:
        """The most memory that any one of the living processes has held."""
        return max(_peak_bytes(pid) for pid in self.pids())

    def pin(self, processors: set[int]) -> None:
        """Keep it on these processors; what it starts from now on stays there too."""
        for pid in self.pids():
            os.sched_setaffinity(pid, processors)

    def check(self) -> None:
        """Raise ChildError if it has ended."""
        if self.process.poll() is not None:
            raise ChildError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")

    def stop(self) -> int:
        """End it as a service manager would, SIGTERM first; its exit code."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        return self.process.wait()

    def kill(self) -> None:
        """End it and its descendants at once, SIGKILL."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def tail(self) -> str:
        """The last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


@contextmanager
def running(
    name: str, arguments: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run Python with ``arguments`` from the checkout, output in ``directory``; stopped at the end of the block."""
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    child = Child(name, process, log)
    try:
        yield child
    finally:
        if process.poll() is None:
            child.stop()


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_logged(child: Child, text: str, times: int, timeout_s: float = START_S) -> None:
    """Return once ``text`` is in its output so many times; ChildError if it is not in time, or the process ends."""
    deadline = time.monotonic() + timeout_s
    while child.log.read_text(errors="replace").count(text) < times:
        child.check()
        if time.monotonic() > deadline:
            raise ChildError(f"{child.name} does not get ready:\n{child.tail()}")
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for line in lists for child in line.split()]


def _cpu_ns(pid: int) -> int:
    # The CPU clock of another process, as clock_getcpuclockid(3) would give it: exact, where /proc counts in 10 ms.
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return 0


def resident_bytes(pid: int) -> int:
    """Memory that the process holds now, what it shares with others included; 0 once it has ended."""
    return _status_bytes(pid, "VmRSS:")


def _peak_bytes(pid: int) -> int:
    return _status_bytes(pid, "VmHWM:")


def _status_bytes(pid: int, name: str) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(name)), 0)
