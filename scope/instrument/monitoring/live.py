"""Functions of modules that were imported before: the interpreter is to tell of them, for good or for a while."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .marking import apply, prepare
from .tool import Tool, is_available

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from ...config.settings import Engine
    from ..plan import Plan
    from .marking import Marked, Wanted

logger = logging.getLogger("scope")


def take_tool(engine: Engine) -> Tool | None:
    """The tool that the setting asks for; None where code is to be transformed; the log says so if unmeant."""
    if engine == "ast" or (engine == "auto" and not is_available()):
        return None
    tool = Tool.take()
    if tool is None:
        reason = (
            "other tools have all places" if is_available() else "this interpreter does not tell of calls as it has to"
        )
        logger.warning("scope: functions are recorded by transforming their code: %s", reason)
    return tool


class Live:
    """What a tool is told of live functions, for good or for a while."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool
        self._before: dict[int, Marked] = {}
        self._transformed: list[ModuleType] = []

    def prepare(self, plan: Plan, modules: Iterable[ModuleType]) -> list[Wanted]:
        """What ``plan`` wants of imported modules. Of those that are wanted too deep, nothing is recorded here."""
        return [each for module in modules if (each := _prepared(plan, module)) is not None]

    def record(self, wanted: Iterable[Wanted]) -> None:
        """Record these functions for good."""
        self._apply(wanted)

    def exchange(self, wanted: list[Wanted], base: Plan) -> None:
        """Record these functions until the next exchange; others have again what they had for good.

        Modules whose functions were transformed meanwhile have new code, to which ``base`` is applied.
        """
        modules = {id(each.module) for each in wanted}
        restored = self.prepare(base, (module for module in self._transformed if id(module) not in modules))
        self._transformed = [each.module for each in wanted if each.is_too_deep]
        now = {id(each.code): each for each in self._apply(wanted)}
        gone = [each for key, each in self._before.items() if key not in now]
        self._before = {key: self._before.get(key, each) for key, each in now.items()}
        for each in gone:
            self.tool.record(each.code, each.before)
        self._apply(restored)

    def _apply(self, wanted: Iterable[Wanted]) -> tuple[Marked, ...]:
        outcome = apply(self.tool, wanted)
        for reason in outcome.refused:
            logger.warning("scope: not recorded: %s", reason)
        return outcome.marked


def _prepared(plan: Plan, module: ModuleType) -> Wanted | None:
    try:
        return prepare(plan, module)
    except (OSError, SyntaxError, ValueError) as error:
        logger.warning("scope: functions of %s are not recorded: %s", module.__name__, error)
        return None
