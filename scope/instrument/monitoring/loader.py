"""A module that is imported as ever, from ``__pycache__`` too, and whose planned functions are recorded."""

from __future__ import annotations

import logging
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING

from .marking import adopt, mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType

    from .places import Places
    from .tool import Tool

logger = logging.getLogger("scope")


class MonitoredLoader(SourceFileLoader):
    """A loader of source that asks the interpreter to tell of calls before the module runs."""

    def __init__(self, fullname: str, path: str, tool: Tool, places: Places) -> None:
        super().__init__(fullname, path)
        self._tool = tool
        self._places = places

    def get_code(self, fullname: str) -> CodeType | None:
        code = super().get_code(fullname)
        if code is not None:
            self._try(mark, code, fullname)
        return code

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        self._try(adopt, module)

    def _try(self, record: Callable[..., None], *where: object) -> None:
        """Whatever goes wrong is logged, and the module is imported."""
        try:
            record(self._tool, *where, self._places)
        except Exception:
            logger.exception("scope: functions of %s are not recorded", self.name)
