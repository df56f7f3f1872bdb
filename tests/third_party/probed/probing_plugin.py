"""A pytest plug-in under which every function of the modules that PROBED_MODULES names is recorded.

It is imported before anything that could import these modules. What was recorded goes to SUITE_TOLD, as JSON.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

_everything: Any = import_module("everything").from_environment()
if _everything is not None:
    _everything.begin()


def pytest_unconfigure() -> None:
    told = _everything.end() if _everything is not None else {}
    Path(os.environ["SUITE_TOLD"]).write_text(json.dumps(told), encoding="utf-8")
