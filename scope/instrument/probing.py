"""The functions of this process that are recorded without a change to their code: by which Plan, from when on."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from .._core import set_call_limits
from ..capture.process import process
from ..config.project import find_project
from ..errors import ScopeError
from .plan import Plan, make_plan
from .transform import in_place
from .transform.cache import CodeCache
from .transform.finder import ProbedLoader, ProbingFinder

if TYPE_CHECKING:
    from types import ModuleType

    from ..config import Config

logger = logging.getLogger("scope")


class Probing:
    """Puts the Plan of the settings into effect. Whatever goes wrong is logged, and functions stay as they are."""

    def __init__(self) -> None:
        self._finder: ProbingFinder | None = None
        self._is_caught_up = False

    def install(self) -> None:
        """Record functions of modules that are imported from now on."""
        try:
            config = process.config
            plan = _plan(config)
        except ScopeError as error:
            logger.error("scope: functions are not recorded: %s", error)  # noqa: TRY400
            return
        if config.enabled and (plan.own_level or plan.rules):
            set_call_limits(config.probes.calls_per_function, config.probes.calls_per_request)
            self._finder = ProbingFinder(plan, CodeCache(config.code_dir, plan.digest))
            sys.meta_path.insert(0, self._finder)

    def found_application(self, name: str) -> None:
        """``name`` (``shop.main:app``) is about to be imported and served: its package is the application's own."""
        if self._finder is None:
            return
        config = process.config
        plan = _plan(config, name.partition(":")[0].partition(".")[0])
        self._finder.plan, self._finder.cache = plan, CodeCache(config.code_dir, plan.digest)

    def catch_up(self) -> None:
        """Record also the functions of modules that were imported before; done once, when the application is there."""
        if self._finder is None or self._is_caught_up:
            return
        self._is_caught_up = True
        try:
            self._exchange(self._finder.plan)
        except Exception:
            logger.exception("scope: functions that were imported early are not recorded")

    def _exchange(self, plan: Plan) -> None:
        modules = [module for module in list(sys.modules.values()) if _is_early(plan, module)]
        exchanges = [(module, exchange) for module in modules if (exchange := _prepared(plan, module)) is not None]
        if exchanges:
            for reason in in_place.apply(exchanges).refused:
                logger.warning("scope: not recorded: %s", reason)


def _plan(config: Config, package: str = "") -> Plan:
    here = os.getcwd()  # noqa: PTH109 - as in scope/config
    return make_plan(config, folders=(here, find_project(here).root), packages=(package,) if package else ())


def _is_early(plan: Plan, module: ModuleType) -> bool:
    file, name = getattr(module, "__file__", None), getattr(module, "__name__", None)
    if not isinstance(file, str) or not isinstance(name, str) or not file.endswith(".py"):
        return False
    return not isinstance(getattr(module, "__loader__", None), ProbedLoader) and plan.concerns(name, file)


def _prepared(plan: Plan, module: ModuleType) -> in_place.Exchange | None:
    try:
        return in_place.prepare(plan, module)
    except (ScopeError, OSError, SyntaxError, ValueError) as error:
        logger.warning("scope: functions of %s are not recorded: %s", module.__name__, error)
        return None


probing = Probing()
"""That of this process."""
