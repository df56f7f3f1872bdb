"""An analysis of a code base as text, as JSON and as SARIF."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from ..instrument.analyse import RULES, Severity
from .format import format_duration
from .lines import Piece, line
from .measured_text import cost_object, cost_text, measured_lines, measured_object, measured_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..instrument.analyse import Analysis, Finding, Proposed, Route
    from .lines import Line, Role

__all__ = ["analysis_lines", "analysis_object", "finding_object", "sarif_object"]

_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_SARIF_LEVELS: Final[Mapping[Severity, str]] = {
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
}
_ROLES: Final[Mapping[Severity, Role]] = {Severity.LOW: "dim", Severity.MEDIUM: "warning", Severity.HIGH: "error"}


def analysis_lines(analysis: Analysis, *, limit: int | None) -> Iterator[Line]:
    """What there is, the routes, the findings with what to do about each kind, and what the plan would cost.

    Of routes and findings at most ``limit`` each are told, all of them without one.
    """
    yield line(
        f"{analysis.modules} modules, {analysis.functions} functions, {len(analysis.routes)} routes that lead to"
        f" {len(analysis.reached)} functions, {len(analysis.findings)} findings"
    )
    if analysis.measured is not None:
        yield line(measured_sum(analysis, analysis.measured))
    for each in analysis.unreadable:
        yield line(Piece(f"not read: {each.file}: {each.reason}", "warning"))
    yield from _section("Routes", (_route(each) for each in analysis.routes), len(analysis.routes), limit)
    if analysis.measured is not None:
        lines = list(measured_lines(analysis, analysis.measured))
        yield from _section("Measured", lines, len(lines), limit)
    yield from _section("Findings", (_finding(each) for each in analysis.findings), len(analysis.findings), limit)
    for finding in analysis.findings:
        if finding.explanation:
            yield from _explanation(finding)
    told = dict.fromkeys(each.rule for each in analysis.findings[:limit])
    if told:
        yield ()
    for rule in told:
        yield line(Piece(f"{rule}: {RULES[rule].advice}", "dim"))
    if analysis.plan:
        yield ()
        yield line(_cost(analysis.plan))


def _section(title: str, lines: Iterable[Line], count: int, limit: int | None) -> Iterator[Line]:
    if not count:
        return
    yield ()
    yield line(Piece(title, "strong"))
    for number, each in enumerate(lines):
        if number == limit:
            yield line(Piece(f"... and {count - number} more: --all shows them", "dim"))
            return
        yield each


def _route(route: Route) -> Line:
    return line(
        f"{route.label}  ", Piece(route.handler or "(unknown)", "name"), Piece(f"  {route.file}:{route.line}", "dim")
    )


def _finding(finding: Finding) -> Line:
    reach = "1 route" if finding.routes == 1 else f"{finding.routes} routes"
    return line(
        Piece(f"{finding.severity.name.lower():<7}", _ROLES[finding.severity]),
        Piece(f"{finding.rule}  ", "strong"),
        finding.message,
        Piece(f"  {finding.file}:{finding.line}" + (f"  on {reach}" if finding.routes else ""), "dim"),
        Piece(f"  {cost_text(finding.cost)}" if finding.cost else "", "warning"),
    )


def _explanation(finding: Finding) -> Iterator[Line]:
    yield ()
    yield line(Piece(f"{finding.rule}  ", "strong"), Piece(f"{finding.file}:{finding.line}", "dim"))
    yield from (line(f"  {each}") for each in finding.explanation.splitlines())


def _cost(plan: Iterable[Proposed]) -> str:
    proposed = list(plan)
    probed = [each for each in proposed if each.level == "timing"]
    cost_ns = max((each.cost_ns for each in probed), default=0)
    return (
        f"Proposed plan: {len(probed)} of {len(proposed)} functions timed; the costliest adds about"
        f" {format_duration(cost_ns)} to a request"
    )


def analysis_object(analysis: Analysis) -> dict[str, Any]:
    """``routes``, ``findings``, ``plan`` and ``unreadable`` as lists of objects, and the counts.

    ``measured`` is there where traces were asked.
    """
    return {
        "modules": analysis.modules,
        "functions": analysis.functions,
        "routes": [asdict(route) for route in analysis.routes],
        "findings": [finding_object(each) for each in analysis.findings],
        "plan": [_proposed_object(each) for each in analysis.plan],
        "unreadable": [asdict(each) for each in analysis.unreadable],
        **({"measured": measured_object(analysis, analysis.measured)} if analysis.measured else {}),
    }


def finding_object(finding: Finding) -> dict[str, Any]:
    """A finding for programs; ``cost`` is null where traces do not tell."""
    return {
        **asdict(finding),
        "severity": finding.severity.name.lower(),
        "cost": cost_object(finding.cost),
        "advice": RULES[finding.rule].advice,
    }


def _proposed_object(each: Proposed) -> dict[str, Any]:
    return {
        "module": each.function.module,
        "function": each.function.qualname,
        "file": each.function.file,
        "line": each.function.line,
        "level": each.level,
        "calls": each.calls,
        "cost_ns": each.cost_ns,
        "basis": each.basis,
        "reason": each.reason,
    }


def sarif_object(analysis: Analysis, version: str) -> dict[str, Any]:
    """The findings as a SARIF 2.1.0 log (OASIS), for code scanners' pages."""
    ids = list(RULES)
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "help": {"text": rule.advice},
        }
        for rule in RULES.values()
    ]
    driver = {
        "name": "scope",
        "version": version,
        "rules": rules,
    }
    results = [_result(each, ids.index(each.rule)) for each in analysis.findings]
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _result(finding: Finding, index: int) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": finding.file}, "region": {"startLine": finding.line}}
    cost = finding.cost
    explained = {"explanation": finding.explanation} if finding.explanation else {}
    properties = {**(cost_object(cost) or {}), **explained}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _SARIF_LEVELS[finding.severity],
        "message": {"text": f"{finding.message} ({cost_text(cost)})" if cost else finding.message},
        **({"properties": properties} if properties else {}),
        "locations": [{"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": finding.function}]}],
    }
