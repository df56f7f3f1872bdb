"""The configuration in force, and where each value came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...config import KEYS
from .check import Check

if TYPE_CHECKING:
    from ...config import Config

__all__ = ["check_settings"]


def check_settings(config: Config) -> Check:
    values = {name: KEYS[name].kind.show(value) for name, value in config.values().items()}
    changed = [name for name, source in config.sources.items() if source != "default"]
    width = max(map(len, values))
    details = tuple(f"{name:<{width}}  {value}  ({config.sources[name]})" for name, value in values.items())
    facts = {name: {"value": value, "source": config.sources[name]} for name, value in values.items()}
    return Check("configuration", "ok", f"{len(changed)} of {len(values)} keys set", details, facts)
