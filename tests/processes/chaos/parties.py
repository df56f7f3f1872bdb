"""Those who take part: honest workers, hostile ones, and what the collector takes meanwhile."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scope.config import load
from tests.support.servers import QUIET, ROOT, running
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tests.support.servers import Running

TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


def honest(directory: Path, name: str, requests: int) -> AbstractContextManager[Running]:
    """A worker that answers so many requests, called NAME-0 and so on, and ends."""
    return _party(directory, "honest", name, str(requests))


@contextmanager
def hostile(directory: Path, way: str) -> Iterator[Running]:
    """A worker at its mischief; killed at the end of the block."""
    with _party(directory, "hostile", way) as party:
        found = Path(load().segment.dir)
        eventually(lambda: way == "copies" or any(found.glob(f"{party.pid}-*.seg")))
        yield party
        assert party.process.poll() is None, party.output()


def _party(directory: Path, module: str, *arguments: str) -> AbstractContextManager[Running]:
    command = [sys.executable, "-m", f"tests.processes.chaos.{module}", *arguments]
    return running(f"{module}-{arguments[0]}", command, directory, {**QUIET, "PYTHONPATH": str(ROOT)})


def answer_all(*workers: Running) -> None:
    """Wait until they have answered all their requests and have ended."""
    for worker in workers:
        assert worker.process.wait(60) == 0, worker.output()


@dataclass(frozen=True)
class Cost:
    """What a process has taken so far."""

    cpu_s: float
    peak_rss_bytes: int

    @classmethod
    def of(cls, pid: int) -> Cost:
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return cls(sum(map(int, times)) * TICK_S, int(status["VmHWM"].split()[0]) * 1024)
