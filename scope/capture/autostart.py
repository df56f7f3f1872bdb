"""Starts a collector from a traced process, where none runs and the settings want one."""

# Importing pathlib would cost a traced process more than all of this.
from __future__ import annotations

import fcntl
import logging
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import Config

logger = logging.getLogger("scope")


def start_collector(config: Config) -> bool:
    """Start a collector of its own session and process group; false where one runs already or none can be started.

    It outlives this process, and exits by itself when no traced process is left. Of several workers that start one at
    the same time, the collectors settle by their lock which stays.
    """
    if is_collected(config.lock_path):
        return False
    if not sys.executable or "python" not in os.path.basename(sys.executable):
        logger.warning("scope: no Python to start a collector with (%r); run: scope collect", sys.executable)
        return False
    command = [sys.executable, "-m", "scope.collector", "--detach"]
    environment = {name: value for name, value in os.environ.items() if name != "SCOPE_RUN"} | config.environment()
    try:
        pid = os.posix_spawn(sys.executable, command, environment, file_actions=_quiet())
    except OSError as error:
        logger.warning("scope: cannot start a collector (%s); run: scope collect", error)
        return False
    # The child detaches by forking once more, so it ends at once; somebody has to take its exit status. Where no thread
    # can be had, the exit of this process does.
    with suppress(RuntimeError):
        threading.Thread(target=_reap, args=(pid,), name="scope-reaper", daemon=True).start()
    return True


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):  # the application waits for any child, and has had this one
        os.waitpid(pid, 0)


def is_collected(lock_path: str) -> bool:
    """Whether a running collector holds the lock."""
    try:
        lock = os.open(lock_path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def _quiet() -> list[tuple[int, int, str, int, int] | tuple[int, int, int]]:
    """Standard streams to nowhere: the collector writes to its own log."""
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
