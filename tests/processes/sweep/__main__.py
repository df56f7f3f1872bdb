"""Kills a collector at each change that it makes to a file, lets a successor begin, and compares the store with what it
must hold.

    python -m tests.processes.sweep [--every N]

With ``--every N`` only at each N-th change, beginning elsewhere in every sweep.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.processes.sweep import killer
from tests.processes.sweep.lives import afterwards, at_once, command, forget_the_old, in_rounds, live
from tests.processes.sweep.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.processes.sweep.lives import Life
    from tests.processes.sweep.world import Content


SHARED_MEMORY = "/dev/shm"
"""Where fsync costs nothing: a process that is killed leaves what it wrote, synced or not."""


class Sweeps:
    """Sweeps below ``directory``, at each of ``every`` changes; ``kills`` and ``changes`` count what was tried."""

    def __init__(self, directory: Path, every: int) -> None:
        self._directory = directory / "world"
        self._every = every
        self.kills = self.changes = 0
        self._expected = self._store_undisturbed()

    def _store_undisturbed(self) -> Content:
        with World(self._directory) as world:
            assert not live(in_rounds, world, 0)
            content = world.content()
            world.check(content)
        shutil.rmtree(self._directory)
        return content

    def of(self, trial: Callable[[World, int], bool], *, part: int = 1, finer: int = 1) -> None:
        """Sweep ``trial``, which kills a life at the given change, lets a successor go on, checks, and tells if it did.

        Sweeps that leave out changes begin at different places (``part``); ``finer`` ones leave out fewer.
        """
        every = max(1, self._every // finer)
        k = 1 + every * part // 6 % every
        while self._try_once(trial, k):
            self.kills += 1
            k += every
        self.changes += k - 1

    def _try_once(self, trial: Callable[[World, int], bool], k: int) -> bool:
        with World(self._directory) as world:
            try:
                was_killed = trial(world, k)
            except AssertionError:
                print(f"{trial.__name__}: killed at change {k}", file=sys.stderr)
                raise
        shutil.rmtree(self._directory)
        return was_killed

    def rounds(self, world: World, k: int) -> bool:
        return self._collect(in_rounds, afterwards, world, k)

    def rounds_by_halves(self, world: World, k: int) -> bool:
        return self._collect(in_rounds, afterwards, world, k, half=True)

    def once(self, world: World, k: int) -> bool:
        return self._collect(at_once, at_once, world, k)

    def _collect(self, life: Life, successor: Life, world: World, k: int, *, half: bool = False) -> bool:
        was_killed = live(life, world, k, half=half)
        world.write_second()
        assert not live(successor, world, 0)
        world.check(self._expected)
        return was_killed

    def successors(self, world: World, k: int) -> bool:
        """The one that takes up what another left is killed as well, at half the place, and so is its successor."""
        killed = [
            live(life, world, k // part)
            for life, part in ((in_rounds, 1), (afterwards, 2), (afterwards, 3))
            if k >= part
        ]
        world.write_second()
        assert not live(afterwards, world, 0)
        world.check(self._expected)
        return killed[0]

    def command(self, world: World, k: int) -> bool:
        """``scope collect --once`` as anybody starts it, killed from outside."""
        world.write_second()
        was_killed = command(k)
        assert not live(afterwards, world, 0)
        world.check(self._expected)
        return was_killed

    def retention(self, world: World, k: int) -> bool:
        assert not live(afterwards, world, 0)
        was_killed = live(forget_the_old, world, k)
        assert not live(forget_the_old, world, 0)
        world.check_newest(self._expected)
        return was_killed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.processes.sweep")
    parser.add_argument("--every", type=int, default=1)
    every = parser.parse_args().every
    if not killer.is_loaded():
        killer.run_with(killer.build())
    with tempfile.TemporaryDirectory(
        prefix="scope-sweep-", dir=SHARED_MEMORY if Path(SHARED_MEMORY).is_dir() else None
    ) as directory:
        began = time.monotonic()
        sweeps = Sweeps(Path(directory), every)
        sweeps.of(sweeps.rounds)
        sweeps.of(sweeps.rounds_by_halves, part=2)
        sweeps.of(sweeps.once, part=3)
        sweeps.of(sweeps.successors, part=4)
        sweeps.of(sweeps.retention, part=5, finer=15)
        sweeps.of(sweeps.command)
    print(
        f"collector: {sweeps.changes} changes of files in six sweeps, {sweeps.kills} kills survived,"
        f" {time.monotonic() - began:.0f} s: all stored once, all losses exact"
    )


if __name__ == "__main__":
    main()
