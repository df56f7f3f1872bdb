"""Modules that the Plan is about are imported with code that records their functions."""

from __future__ import annotations

import logging
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING

from ..monitoring.loader import MonitoredLoader
from ..monitoring.places import deepest, places_of
from ..monitoring.tool import DEEPEST
from .binding import Planned, bind
from .compiling import Refused, compile_planned, stamp_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    from ..monitoring.tool import Tool
    from ..plan import Plan
    from .cache import CodeCache

logger = logging.getLogger("scope")


class ProbingFinder(MetaPathFinder):
    """Finds what the finders after it find, and prepares the code of it.

    With a ``tool`` the interpreter is to tell of calls, and only modules are transformed that have functions to be
    recorded deeper than it can. ``plan`` and ``cache`` may be changed; modules that are imported afterwards follow.
    """

    def __init__(self, plan: Plan, cache: CodeCache | None, tool: Tool | None = None) -> None:
        self.plan = plan
        self.cache = cache
        self._tool = tool

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = self._found(fullname, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or not spec.has_location:
            return spec
        file = spec.loader.path
        if self.plan.concerns(fullname, file):
            spec.loader = self._loader(fullname, file) or spec.loader
        return spec

    def _found(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        finders = sys.meta_path
        for finder in finders[finders.index(self) + 1 :] if self in finders else finders:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(fullname, path, target) if find is not None else None
            if spec is not None:
                return spec
        return None

    def _loader(self, fullname: str, file: str) -> SourceFileLoader | None:
        """None where nothing is to be recorded, or the import is to fail as it would have without us."""
        try:
            return self._monitored(fullname, file) if self._tool is not None else self._probed(fullname, file)
        except (SyntaxError, ValueError, OSError):
            return None
        except Refused as refusal:
            logger.warning("scope: %s", refusal)
            return None
        except Exception:
            logger.exception("scope: %s is imported as it is: it could not be prepared", fullname)
            return None

    def _monitored(self, fullname: str, file: str) -> SourceFileLoader | None:
        assert self._tool is not None
        places = places_of(self.plan, self.cache, fullname, file)
        if deepest(places) > DEEPEST:
            return self._probed(fullname, file)
        return MonitoredLoader(fullname, file, self._tool, places) if places else None

    def _probed(self, fullname: str, file: str) -> SourceFileLoader | None:
        stamp = stamp_of(file)
        code = compile_planned(self.plan, self.cache, fullname, file)
        return None if code is None else ProbedLoader(fullname, file, Planned(bind(code, fullname), stamp))


class ProbedLoader(SourceFileLoader):
    """A loader of source that takes the code it is given; all else, and the plain code's cache, is as ever."""

    def __init__(self, fullname: str, path: str, planned: Planned) -> None:
        super().__init__(fullname, path)
        self.planned = planned

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return self.planned.code
