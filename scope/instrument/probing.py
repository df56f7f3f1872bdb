"""The functions of this process that are recorded without a change to their code: by which Plan, from when on."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from .._core import set_call_limits, set_steered, set_taken_out, set_value_limits
from ..capture.process import process
from ..config.probe_wishes import in_force, read_probe_wishes
from ..config.project import find_project
from ..errors import ScopeError
from .monitoring.live import Live, take_tool
from .monitoring.loader import MonitoredLoader
from .plan import Plan, Rule, make_plan
from .shedding import functions_taken_out, rule_without
from .transform import in_place
from .transform.cache import CodeCache
from .transform.conditions import conditions
from .transform.finder import ProbedLoader, ProbingFinder

if TYPE_CHECKING:
    from types import ModuleType

    from ..config import Config
    from ..config.probe_wishes import ProbeWish
    from .monitoring.marking import Wanted
    from .transform.binding import Planned

logger = logging.getLogger("scope")
_SLACK_S: Final = 0.01


class Probing:
    """Puts the Plan of the settings into effect, and for a while what running processes are asked for besides.

    Whatever goes wrong is logged, and functions stay as they are.
    """

    def __init__(self) -> None:
        self._finder: ProbingFinder | None = None
        self._plan = Plan()
        self._early: dict[str, Planned] = {}
        self._wished: list[in_place.Exchange] = []
        self._live: Live | None = None  # with the interpreter's own events
        self._has_chosen = self._is_caught_up = False
        self._is_pending = self._has_wishes = False
        self._taken_out: list[str] = []
        self._lock = threading.Lock()  # of one that applies what is wished for
        self._end: threading.Timer | None = None  # of what is wished for

    def install(self) -> None:
        """Record functions of modules that are imported from now on."""
        try:
            config = process.config
            plan = _plan(config)
        except ScopeError as error:
            logger.error("scope: functions are not recorded: %s", error)  # noqa: TRY400 - it says all
            return
        if not config.enabled:
            return
        self._plan = plan
        set_call_limits(config.probes.calls_per_function, config.probes.calls_per_request)
        set_value_limits(config.probes.value_bytes, config.probes.call_bytes)
        conditions.tickets_dir = config.tickets_dir
        set_steered(self._steered)
        if plan.own_level or plan.rules:
            self._choose_engine()
            tool = self._live.tool if self._live else None
            self._finder = ProbingFinder(plan, CodeCache(config.code_dir, plan.digest), tool)
            sys.meta_path.insert(0, self._finder)

    def uninstall(self) -> None:
        """Prepare no module any more, and give up the place among the interpreter's tools; transformed code stays."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        if self._live:
            self._live.tool.close()
        self._end_in_time(())
        self._finder = self._live = None

    def forked(self) -> None:
        """In a child: threads of its parent are not there, and may have held locks."""
        self._lock = threading.Lock()
        self._end = None
        conditions.forked()

    def _choose_engine(self) -> None:
        """Once, and not before functions are to be recorded: other programs have use for a tool, too."""
        if not self._has_chosen:
            self._has_chosen = True
            tool = take_tool(process.config.probes.engine)
            self._live = Live(tool) if tool else None

    def found_application(self, name: str) -> None:
        """``name`` (``shop.main:app``) is about to be imported and served: its package is the application's own."""
        if self._finder is None:
            return
        config = process.config
        self._plan = self._finder.plan = _plan(config, name.partition(":")[0].partition(".")[0])
        self._finder.cache = CodeCache(config.code_dir, self._plan.digest)

    def catch_up(self) -> None:
        """Record also the functions of modules that were imported before; done once, when the application is there."""
        if self._finder is None or self._is_caught_up:
            return
        self._is_caught_up = True
        try:
            early = [module for module in _modules(self._plan) if not _is_recorded(module)]
            wanted, rest = self._split(self._plan, early)
            if self._live:
                self._live.record(wanted)
            prepared = self._prepared(self._plan, rest)
            _apply(prepared)
            for module, exchange in prepared:
                self._early[module.__name__] = exchange.planned
        except Exception:
            logger.exception("scope: functions that were imported early are not recorded")

    def _steered(self) -> None:
        """A request begins, and other functions are to be recorded. It does not wait; who is waiting sees to it."""
        if self._is_pending:
            return
        self._is_pending = True
        threading.Thread(target=self.grant, name="scope-probes", daemon=True).start()

    def grant(self) -> None:
        """Record what is asked for now, and no longer what was; but for what the governor takes out."""
        try:
            with self._lock:
                self._is_pending = False
                wishes = in_force(read_probe_wishes(process.config.probe_wishes_path), time.time_ns())
                self._end_in_time(wishes)
                taken_out = functions_taken_out()
                if not wishes and not self._has_wishes and set(taken_out) == set(self._taken_out):
                    return  # what was to be taken out is out already
                self._has_wishes, self._taken_out = bool(wishes), taken_out
                rules = (Rule.parse(wish.rule) for wish in wishes)
                self._wish((*rules, *map(rule_without, taken_out)))
                set_taken_out(taken_out)
        except Exception:
            logger.exception("scope: functions that were asked for are not recorded")

    def _end_in_time(self, wishes: tuple[ProbeWish, ...]) -> None:
        """Look again when the first of these is over, whether or not there still is a collector that says so."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if wishes:
            left_s = (min(wish.until_ns for wish in wishes) - time.time_ns()) / 1e9
            self._end = threading.Timer(max(left_s, 0.0) + _SLACK_S, self.grant)
            self._end.name, self._end.daemon = "scope-probes-end", True
            self._end.start()

    def _wish(self, rules: tuple[Rule, ...]) -> None:
        plan = Plan((*self._plan.rules, *rules), self._plan.ownership, self._plan.own_level)
        modules = [module for module in _modules(plan) if any(rule.may_match_in(module.__name__) for rule in rules)]
        self._choose_engine()
        wanted, rest = self._split(plan, modules)
        # What takes time comes first: between the old code and the new one calls are missing.
        prepared = self._prepared(plan, rest)
        in_place.undo(self._wished)
        self._wished = [exchange for _, exchange in prepared]
        if self._live:
            self._live.exchange(wanted, self._plan)
        _apply(prepared)
        conditions.keep(plan.conditions)

    def _split(self, plan: Plan, modules: list[ModuleType]) -> tuple[list[Wanted], list[ModuleType]]:
        """What the interpreter is to tell of imported modules, and which of them have to be transformed."""
        if not self._live:
            return [], modules
        rest = [module for module in modules if self._before(module) is not None]
        wanted = self._live.prepare(plan, (module for module in modules if self._before(module) is None))
        return wanted, [*rest, *(each.module for each in wanted if each.is_too_deep)]

    def _prepared(self, plan: Plan, modules: list[ModuleType]) -> list[tuple[ModuleType, in_place.Exchange]]:
        exchanges: list[tuple[ModuleType, in_place.Exchange]] = []
        for module in modules:
            try:
                exchange = in_place.prepare(plan, module, self._before(module))
            except (ScopeError, OSError, SyntaxError, ValueError) as error:
                logger.warning("scope: functions of %s are not recorded: %s", module.__name__, error)
                continue
            if exchange is not None:
                exchanges.append((module, exchange))
        return exchanges

    def _before(self, module: ModuleType) -> Planned | None:
        """What the module's functions have unless they were asked for; None: what a plain import gave them."""
        loader = getattr(module, "__loader__", None)
        return loader.planned if isinstance(loader, ProbedLoader) else self._early.get(module.__name__)


def _apply(exchanges: list[tuple[ModuleType, in_place.Exchange]]) -> None:
    for reason in in_place.apply(exchanges).refused if exchanges else ():
        logger.warning("scope: not recorded: %s", reason)


def _plan(config: Config, package: str = "") -> Plan:
    here = os.getcwd()  # noqa: PTH109 - as in scope/config
    return make_plan(config, folders=(here, find_project(here).root), packages=(package,) if package else ())


def _is_recorded(module: ModuleType) -> bool:
    """Whether the Plan met the module as it was imported."""
    return isinstance(getattr(module, "__loader__", None), ProbedLoader | MonitoredLoader)


def _modules(plan: Plan) -> list[ModuleType]:
    """The modules that are imported and that the Plan may be about."""
    return [module for module in list(sys.modules.values()) if _is_concerned(plan, module)]


def _is_concerned(plan: Plan, module: ModuleType) -> bool:
    file, name = getattr(module, "__file__", None), getattr(module, "__name__", None)
    return isinstance(file, str) and isinstance(name, str) and file.endswith(".py") and plan.concerns(name, file)


probing = Probing()
"""That of this process."""
os.register_at_fork(after_in_child=probing.forked)
