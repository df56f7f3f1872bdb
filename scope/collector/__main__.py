"""``python -m scope.collector``: a collector that ends by itself, once no traced process is left; scope starts it so.

``--detach``: as a process of its own, whose parent returns at once. ``--starter=PID``: it also stays as long as that
parent does.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from ..config import load, prepare_dirs
from ..errors import ScopeError
from .errors import CollectorRuns
from .log import Log
from .run import run_until_idle

if TYPE_CHECKING:
    from ..config import Config

logger = logging.getLogger("scope.collector")


def main(arguments: list[str]) -> int:
    if "--detach" in arguments and not _is_child():
        return 0
    config = load()
    logging.basicConfig(handlers=[_log(config)], level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
    try:
        return run_until_idle(config, lambda: f"--starter={os.getppid()}" in arguments)
    except CollectorRuns:
        return 0  # another worker's collector was first
    except ScopeError as error:
        logger.error("the collector ends: %s", error)  # noqa: TRY400 - the message says it all
    except Exception:
        logger.exception("the collector ends")
    return 1


def _log(config: Config) -> logging.Handler:
    """The log of the directory; that of a fault on the way there goes to standard error."""
    try:
        prepare_dirs(config)
        return Log(config.log_path)
    except (OSError, ScopeError):
        return logging.StreamHandler()


def _is_child() -> bool:
    """Fork, and leave the parent's session and all that was inherited from it; true in the child."""
    if os.fork():
        return False
    os.setsid()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # a listening socket, for one, would keep its port
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
