"""All checks, in the order in which they build on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .collector import check_collector
from .directory import check_directory
from .machine import check_core, check_machine, check_memory, check_python
from .overhead import check_overhead
from .segments import check_segments
from .settings import check_settings
from .store import check_losses, check_store, store_info

if TYPE_CHECKING:
    from ...config import Config
    from .check import Check

__all__ = ["diagnose"]


def diagnose(config: Config, now_ns: int) -> tuple[Check, ...]:
    """Look at everything that ``config`` is about; ``now_ns`` is Unix time."""
    stored = store_info(config)
    return (
        check_machine(),
        check_python(),
        check_core(),
        check_directory(config),
        check_memory(config),
        check_segments(config),
        check_collector(config, now_ns),
        check_overhead(config),
        check_store(config, stored),
        check_losses(stored),
        check_settings(config),
    )
