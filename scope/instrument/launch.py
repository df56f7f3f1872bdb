"""Makes a Python program trace itself without a change to its code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config import Config

__all__ = ["BOOTSTRAP", "environment"]

BOOTSTRAP: Final = str(Path(__file__).with_name("bootstrap"))
"""The directory of the ``sitecustomize`` that an interpreter imports at its start."""


def environment(base: Mapping[str, str], config: Config) -> dict[str, str]:
    """``base`` with what makes every Python started with it, and its children, trace itself under ``config``."""
    before = base.get("PYTHONPATH")
    # An empty part is the working directory and stays; an empty whole is none.
    path = [BOOTSTRAP, *(part for part in before.split(os.pathsep) if part != BOOTSTRAP)] if before else [BOOTSTRAP]
    return {**base, **config.environment(), "SCOPE_RUN": "1", "PYTHONPATH": os.pathsep.join(path)}
