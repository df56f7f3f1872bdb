"""Kills, stops and restarts processes at random, by a seed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Victim(Protocol):
    """Whoever can be struck: its pids, and a way to have it run again once it is dead."""

    @property
    def kind(self) -> str: ...
    def pids(self) -> Sequence[int]: ...
    def revive(self) -> None: ...


class Turmoil:
    """Strikes ``victims`` one after the other; ``counts`` tells how often and how."""

    def __init__(self, victims: Sequence[Victim], seed: int, look: Callable[[], None]) -> None:
        self._victims = victims
        self._chance = random.Random(seed)
        self._look = look
        self.counts: Counter[str] = Counter()

    def strike(self, weights: Sequence[int] | None = None) -> None:
        """Kill, stop or kill while stopped; the victim runs again when this returns, or will soon."""
        victim = self._chance.choices(self._victims, weights)[0]
        pid = self._chance.choice(victim.pids() or [0])
        if not pid:
            return
        self._look()
        act = self._chance.choices((self._kill, self._stop, self._kill_stopped), (6, 3, 1))[0]
        act(victim, pid)

    def kill(self, victim: Victim) -> None:
        self._kill(victim, self._chance.choice(victim.pids()))

    def pause(self, most_s: float) -> None:
        time.sleep(self._chance.random() * most_s)

    def _kill(self, victim: Victim, pid: int) -> None:
        _send(pid, signal.SIGKILL)
        self.counts[f"{victim.kind} killed"] += 1
        self.pause(0.5)
        victim.revive()

    def _stop(self, victim: Victim, pid: int) -> None:
        _send(pid, signal.SIGSTOP)
        self.counts[f"{victim.kind} stopped"] += 1
        self.pause(1.5)
        _send(pid, signal.SIGCONT)

    def _kill_stopped(self, victim: Victim, pid: int) -> None:
        _send(pid, signal.SIGSTOP)
        self.counts[f"{victim.kind} stopped"] += 1
        self.pause(1.0)
        self._kill(victim, pid)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
