"""Lives of a collector, each in a process that is forked for it: one that is killed, and its successor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from scope.collector.collector import Collector
from scope.collector.lock import Lock
from scope.collector.run import run
from scope.store import Writer
from tests.processes.sweep.killer import arm
from tests.unit.collector.kit import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.processes.sweep.world import World

    Life = Callable[[World, Callable[[], None]], None]

ROUNDS = 4
"""The first reads, the second finds that the owners are dead, the others bury what was left by the second."""


def in_rounds(world: World, meanwhile: Callable[[], None]) -> None:
    """A collector that stores the first part, waits for the second, and stores that."""
    clock = Clock()
    config = world.config
    with Lock(config.lock_path), Writer(Path(config.store_dir), config.store) as writer:
        collector = Collector(config, writer, clock=clock)
        collector.cycle()
        meanwhile()
        for _ in range(ROUNDS):
            clock.advance(30)
            collector.cycle()
        collector.drain_all()
        collector.close()


def at_once(world: World, meanwhile: Callable[[], None]) -> None:
    """As ``scope collect --once`` does, when everything has been written."""
    meanwhile()
    run(world.config, once=True)


def afterwards(world: World, meanwhile: Callable[[], None]) -> None:
    """As :func:`at_once`, without the thread that looks at the rings meanwhile."""
    meanwhile()
    config = world.config
    with Lock(config.lock_path), Writer(Path(config.store_dir), config.store) as writer:
        collector = Collector(config, writer)
        collector.drain_all()
        collector.close()


def forget_the_old(world: World, meanwhile: Callable[[], None]) -> None:
    """Everything is stored, and then so much time passes that all slices are too old; the newest stays."""
    meanwhile()
    config = world.config
    with Lock(config.lock_path), Writer(Path(config.store_dir), config.store) as writer:
        writer.retain(time.time_ns() + 2 * config.store.retention_age_s * 10**9)


def _ask(tell: int, wait: int) -> None:
    os.write(tell, b".")
    os.read(wait, 1)


def live(life: Life, world: World, k: int, *, half: bool = False) -> bool:
    """One life in a child, killed at its k-th change; whether it was. Raises AssertionError where it ends otherwise.

    What the life calls in the middle lets the world write its second part, in this process.
    """
    ready, tell = os.pipe()
    wait, go = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(ready)
            os.close(go)
            arm(k, half=half)
            life(world, lambda: _ask(tell, wait))
            status = 0
        except BaseException:  # noqa: BLE001 - the parent is told by the status
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(tell)
    os.close(wait)
    if os.read(ready, 1):
        world.write_second()
        os.write(go, b".")
    _, status = os.waitpid(child, 0)
    os.close(ready)
    os.close(go)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert status == 0, f"k {k}: the collector ended with {status}"
    return False


def command(k: int) -> bool:
    """``scope collect --once`` in a process of its own, killed at its k-th change; whether it was."""
    settings = {"KILLER_K": str(k), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "scope", "collect", "--once"],
        env={**os.environ, **settings},
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0
