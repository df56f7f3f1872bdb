"""Records every function of the modules that PROBED_MODULES names, with commas between, by the engine PROBED_ENGINE.

How deep they are recorded is the level PROBED_LEVEL; beyond timing the engine is always that of transformed code.
All that runs is one request, so that each call of these functions is recorded. What was recorded is told at the end.
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

from scope import _core
from scope.instrument.monitoring.live import take_tool
from scope.instrument.monitoring.loader import MonitoredLoader
from scope.instrument.plan import Plan, Rule
from scope.instrument.transform.finder import ProbedLoader, ProbingFinder

_UNLIMITED = 2**32 - 1
_LOADERS = (ProbedLoader, MonitoredLoader)


class Everything:
    """The functions of ``modules``, packages whole, recorded from :meth:`begin` on."""

    def __init__(self, modules: list[str], engine: Any) -> None:
        self._tool = take_tool(engine)
        if engine == "monitoring" and self._tool is None:
            raise RuntimeError("this interpreter has no such engine")
        self._finder = ProbingFinder(Plan(tuple(map(Rule.parse, modules))), None, self._tool)
        self._folder = tempfile.TemporaryDirectory(prefix="scope-suite-")
        self._session = _core.Session(f"{self._folder.name}/suite.seg")
        self._request: _core.Request | None = None
        self._process = os.getpid()

    def begin(self) -> None:
        early = [name for name in sys.modules if self._finder.plan.concerns(name, "")]
        if early:
            raise RuntimeError(f"imported before their functions could be probed: {early}")
        sys.meta_path.insert(0, self._finder)
        _core.set_call_limits(_UNLIMITED, _UNLIMITED)
        _core.set_session(self._session)
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/suite", "headers": []}
        self._request = _core.begin_request(scope, b"x-request-id", True)
        assert self._request is not None
        self._request.activate()

    def end(self) -> dict[str, int]:
        """Modules whose functions were probed, and the records that were written, in bytes."""
        assert self._request is not None
        assert self._process == os.getpid()
        self._request.end(0)
        probed = [module for module in list(sys.modules.values()) if isinstance(_loader(module), _LOADERS)]
        told = {"modules": len(probed), "bytes": self._session.statistics()["bytes"]}
        _core.set_session(None)
        self._session.close()
        self._folder.cleanup()
        return told


def _loader(module: object) -> object:
    return getattr(getattr(module, "__spec__", None), "loader", None)


def from_environment() -> Everything | None:
    """What PROBED_MODULES asks for; None where it asks for nothing."""
    level = os.environ.get("PROBED_LEVEL", "timing")
    modules = [f"{name}={level}" for name in os.environ.get("PROBED_MODULES", "").split(",") if name]
    return Everything(modules, os.environ.get("PROBED_ENGINE", "ast")) if modules else None
