"""A module that was imported before anything of ours was there."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


@contextmanager
def imported(folder: Path, source: str) -> Iterator[ModuleType]:
    """``early_module``, of ``source``, which is written to ``folder``."""
    path = folder / "early_module.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location("early_module", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["early_module"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["early_module"]
