"""``python -m scope.collector --detach``: how a traced process starts a collector."""

from __future__ import annotations

import logging
import os
import sys

from ..config import load
from ..errors import ScopeError
from .errors import CollectorRuns
from .run import run


def main(arguments: list[str]) -> int:
    """Collect until no traced process is left; ``--detach``: as a process of its own, whose parent returns at once."""
    if "--detach" in arguments and not _is_child():
        return 0
    config = load()
    logging.basicConfig(
        filename=config.log_path if os.path.isdir(config.dir) else None,  # noqa: PTH112 - config paths are str
        level=logging.INFO,
        format="%(asctime)s %(process)d %(message)s",
    )
    try:
        return run(config, idle_exit=True)
    except CollectorRuns:
        return 0  # another worker's collector was first
    except (ScopeError, OSError):
        logging.getLogger("scope.collector").exception("the collector ends")
        return 1


def _is_child() -> bool:
    """Fork, and leave the parent's session; true in the child."""
    if os.fork():
        return False
    os.setsid()
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
