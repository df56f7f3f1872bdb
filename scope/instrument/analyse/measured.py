"""What traces tell of the functions and routes of a code base, and an analysis corrected by it.

Findings are ranked by what they were seen to cost, those that nothing leads to last; the plan counts calls as they were
counted, not as loops let one guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Final

from .findings import Cost, Severity
from .proposal import proposed_as_measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .analysis import Analysis
    from .findings import Finding
    from .proposal import Proposed
    from .routes import Route

__all__ = ["Measured", "MeasuredFunction", "corrected"]

_BAD_NS: Final = 100_000_000
_NOTABLE_NS: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class MeasuredFunction:
    """``calls`` of a function in the ``requests`` that called it at all; times are in nanoseconds.

    ``total_ns`` is the sum of what calls took, with all that they called and waited for. ``longest_ns`` is that of
    one call, in the request ``longest_in``. ``held_ns`` is the longest time for which the function held an event loop
    at a stretch while nothing that is recorded below it did, in the request ``held_in``.
    """

    calls: int = 0
    requests: int = 0
    total_ns: int = 0
    longest_ns: int = 0
    longest_in: str = ""
    held_ns: int = 0
    held_in: str = ""

    @property
    def calls_per_request(self) -> float:
        return self.calls / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What ``looked_at`` traces tell of functions, by dotted name, and all ``stored`` requests of routes.

    ``routes`` has the number of requests by method (none for a WebSocket) and path.
    """

    looked_at: int
    stored: int
    functions: Mapping[str, MeasuredFunction] = field(default_factory=dict[str, MeasuredFunction])
    routes: Mapping[tuple[str, str], int] = field(default_factory=dict["tuple[str, str]", int])

    def requests_of(self, route: Route) -> int:
        return sum(self.routes.get((method, route.path), 0) for method in route.methods or ("",))


def corrected(analysis: Analysis, measured: Measured) -> Analysis:
    """``analysis`` as it is with what was measured; without any stored request it stays as it was."""
    if not measured.stored:
        return replace(analysis, measured=measured)
    called = {route.handler for route in analysis.routes if measured.requests_of(route)}
    leads_there = {each.function.name: not called.isdisjoint(each.handlers) for each in analysis.reached}
    weighed = [_weighed(each, measured, leads_there) for each in analysis.findings]
    weighed.sort(key=lambda each: (_is_never(each), -_cost_ns(each), -each.severity, -min(each.routes, 1)))
    plan = _plan(analysis, measured)
    return replace(analysis, findings=tuple(weighed), plan=tuple(plan), measured=measured)


def _is_never(finding: Finding) -> bool:
    return finding.cost is not None and not finding.cost.calls


def _cost_ns(finding: Finding) -> int:
    return finding.cost.ns if finding.cost is not None else 0


def _weighed(finding: Finding, measured: Measured, leads_there: Mapping[str, bool]) -> Finding:
    """The finding with what it cost; more severe where that was much, less where nothing has ever led to it."""
    known = measured.functions.get(finding.function)
    if finding.rule == "blocking-call":
        known = known or next(filter(None, map(measured.functions.get, reversed(finding.path))), None)
    if known is None:
        return _never_called(finding) if leads_there.get(finding.root) is False else finding
    if finding.rule == "blocking-call":
        cost = Cost(known.calls, known.held_ns, "held the loop", known.held_in)
    elif finding.rule == "query-in-loop":
        cost = Cost(known.calls, known.longest_ns, "took", known.longest_in)
    else:
        return replace(finding, cost=Cost(known.calls, 0, "", known.longest_in))
    return replace(finding, cost=cost, severity=max(finding.severity, _severity(cost.ns)))


def _never_called(finding: Finding) -> Finding:
    return replace(finding, cost=Cost(0, 0, "", ""), severity=Severity(max(finding.severity - 1, Severity.LOW)))


def _severity(ns: int) -> Severity:
    if ns >= _BAD_NS:
        return Severity.HIGH
    return Severity.MEDIUM if ns >= _NOTABLE_NS else Severity.LOW


def _plan(analysis: Analysis, measured: Measured) -> Iterable[Proposed]:
    """The proposal with counted calls; what only traces know of is in it, too."""
    by_name = {each.function.name: each for each in analysis.plan}
    functions = {each.name: each for each in analysis.known}
    for name, seen in measured.functions.items():
        if name in functions:
            calls = ceil(seen.calls_per_request)
            by_name[name] = proposed_as_measured(functions[name], by_name.get(name), calls, seen.requests)
    return sorted(by_name.values(), key=lambda each: (each.function.file, each.function.line))
