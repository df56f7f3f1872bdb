"""The analysis of a code base: what is found, put together and ranked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .calls import Calls
from .constants import Constants
from .dependencies import Dependencies
from .findings import Severity
from .functions import functions_of
from .names import Names
from .proposal import propose
from .routes import find_routes
from .rules import find
from .source import read_modules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from .findings import Finding
    from .functions import Function
    from .measured import Measured
    from .proposal import Proposed
    from .routes import Route
    from .source import Unreadable

__all__ = ["Analysis", "Reach", "analyse"]


@dataclass(frozen=True, slots=True)
class Reach:
    """A function that routes lead to: ``routes`` of them, by calls and dependencies that names tell of.

    ``handlers`` are the dotted names of those of the routes.
    """

    function: Function
    routes: int
    handlers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Analysis:
    """``findings``: the worst first; ``reached``: what most routes lead to first; ``plan``: in order of place.

    ``known`` are all functions. ``measured`` is what traces told, where they were asked.
    """

    modules: int
    functions: int
    routes: tuple[Route, ...]
    reached: tuple[Reach, ...]
    findings: tuple[Finding, ...]
    plan: tuple[Proposed, ...]
    unreadable: tuple[Unreadable, ...]
    known: tuple[Function, ...] = ()
    measured: Measured | None = None


def analyse(path: Path) -> Analysis:
    """Look through the Python files at or below ``path``; nothing is imported or run. Raises FileNotFoundError."""
    modules, unreadable = read_modules(path)
    names = Names(modules)
    functions = [function for module in modules for function in functions_of(module)]
    calls = Calls(functions, names)
    routes = find_routes(modules, functions, names, Constants(modules))
    ways = _ways(routes, calls, Dependencies(modules, names))
    counts = {name: len(handlers) for name, handlers in ways.items()}
    findings = _once_a_place(_weighed(each, counts.get(each.root, 0)) for each in find(calls, names))
    reached = (Reach(calls.functions[name], counts[name], frozenset(handlers)) for name, handlers in ways.items())
    return Analysis(
        modules=len(modules),
        functions=len(calls.functions),
        routes=tuple(routes),
        reached=tuple(sorted(reached, key=lambda each: (-each.routes, each.function.file, each.function.line))),
        findings=tuple(
            sorted(
                findings, key=lambda each: (-each.severity, -min(each.routes, 1), -each.routes, each.file, each.line)
            )
        ),
        plan=tuple(propose((route.handler for route in routes), counts, calls)),
        unreadable=tuple(unreadable),
        known=tuple(calls.functions.values()),
    )


def _weighed(finding: Finding, routes: int) -> Finding:
    """A query in a loop that no request runs, as in a migration, keeps nobody waiting."""
    if finding.rule == "query-in-loop" and not routes:
        return replace(finding, severity=Severity(max(finding.severity - 1, Severity.LOW)))
    return replace(finding, routes=routes)


def _once_a_place(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Of what is found at one place by several ways, that by which most routes lead there, then the shortest."""
    best: dict[tuple[str, str, int], Finding] = {}
    for finding in findings:
        place = finding.rule, finding.file, finding.line
        other = best.get(place)
        if other is None or (finding.routes, -len(finding.path)) > (other.routes, -len(other.path)):
            best[place] = finding
    return best.values()


def _ways(routes: Iterable[Route], calls: Calls, dependencies: Dependencies) -> Mapping[str, list[str]]:
    """The handlers of the routes that lead to each function, one for each route."""
    ways: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    for each in calls.functions.values():
        if each.owner:
            members.setdefault(each.owner, []).append(each.name)
    reached: dict[str, frozenset[str]] = {}
    for route in routes:
        if route.handler not in reached:
            roots = [route.handler] if route.handler in calls.functions else members.get(route.handler, [])
            reached[route.handler] = _reached_from(roots, calls, dependencies)
        for name in reached[route.handler]:
            ways.setdefault(name, []).append(route.handler)
    return ways


def _reached_from(roots: Iterable[str], calls: Calls, dependencies: Dependencies) -> frozenset[str]:
    """The functions that run for a handler: ``roots`` is the function, or the methods of the class that answers."""
    waiting = list(roots)
    found: set[str] = set()
    while waiting:
        new = calls.reachable(waiting).keys() - found
        found |= new
        waiting = [name for each in new for name in _called_for(dependencies.of(calls.functions[each]), calls)]
        waiting = [name for name in waiting if name not in found]
    return frozenset(found)


def _called_for(names: Iterable[str], calls: Calls) -> Iterable[str]:
    """A dependency may be a function, a class or an instance of one."""
    for name in names:
        yield from (each for each in (name, f"{name}.__init__", f"{name}.__call__") if each in calls.functions)
