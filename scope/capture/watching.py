"""What is watched of a process besides its requests: long steps of its loops, garbage collection, its end."""

from __future__ import annotations

import atexit
import gc
from typing import TYPE_CHECKING, Final

from .._core import gc_pause, say_goodbye, set_least

if TYPE_CHECKING:
    from ..config import LoopConfig

__all__ = ["watch_process"]

MS_NS: Final = 1_000_000


def watch_process(config: LoopConfig) -> None:
    """Watch from now on, in this process and in its forked children; the second call changes what counts as long."""
    set_least(config.min_outside_ms * MS_NS, config.min_gc_ms * MS_NS)
    if gc_pause not in gc.callbacks:
        gc.callbacks.append(gc_pause)
    atexit.unregister(say_goodbye)
    atexit.register(say_goodbye)
