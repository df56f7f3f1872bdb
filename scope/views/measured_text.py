"""What traces told of a code base, in lines and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from .format import format_duration
from .lines import Piece, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..instrument.analyse import Analysis, Cost, Function, Measured, MeasuredFunction
    from .jsonout import JsonObject
    from .lines import Line

__all__ = ["cost_object", "cost_text", "measured_lines", "measured_object", "measured_sum"]


def cost_text(cost: Cost) -> str:
    """``held the loop 302 ms, id 4f1c09ab``."""
    if not cost.calls:
        return "never called"
    if not cost.ns:
        return f"called in id {cost.example}" if cost.example else "called"
    return f"{cost.did} {format_duration(cost.ns)}, id {cost.example}"


def cost_object(cost: Cost | None) -> JsonObject | None:
    if cost is None:
        return None
    return {"calls": cost.calls, "cost_ns": cost.ns, "summary": cost_text(cost), "example": cost.example or None}


def measured_sum(analysis: Analysis, measured: Measured) -> str:
    """How much the figures rest on, and how much was never seen."""
    routes = [each for each in analysis.routes if not measured.requests_of(each)]
    reached = {each.function.name for each in analysis.reached}
    return (
        f"{measured.looked_at} traces of {measured.stored} stored requests, {len(measured.functions)} functions seen in"
        f" them; never called: {len(routes)} of {len(analysis.routes)} routes,"
        f" not seen: {len(reached - measured.functions.keys())} of {len(reached)} functions that routes lead to"
    )


def measured_lines(analysis: Analysis, measured: Measured) -> Iterator[Line]:
    """The functions, those first that took most of the time; the routes that nobody asked for last."""
    functions = {each.name: each for each in analysis.known}
    for name, seen in _hottest(measured):
        yield _function(functions[name], seen)
    for route in analysis.routes:
        if not measured.requests_of(route):
            yield line(Piece("never called  ", "dim"), route.label, Piece(f"  {route.file}:{route.line}", "dim"))


def _hottest(measured: Measured) -> list[tuple[str, MeasuredFunction]]:
    return sorted(measured.functions.items(), key=lambda each: -each[1].total_ns)


def _function(function: Function, seen: MeasuredFunction) -> Line:
    calls = "1 call" if seen.calls == seen.requests else f"{seen.calls_per_request:.3g} calls"
    held = f", held the loop {format_duration(seen.held_ns)}" if seen.held_ns else ""
    return line(
        Piece(f"{format_duration(seen.total_ns // seen.requests):>8} a request  ", "number"),
        Piece(function.name, "name"),
        f"  {calls}, the longest {format_duration(seen.longest_ns)}{held}",
        Piece(f"  {function.file}:{function.line}  id {seen.longest_in}", "dim"),
    )


def measured_object(analysis: Analysis, measured: Measured) -> JsonObject:
    """``functions`` as in the text, ``routes`` all of them with the number of their requests."""
    functions = {each.name: each for each in analysis.known}
    return {
        "looked_at": measured.looked_at,
        "stored": measured.stored,
        "functions": [_function_object(functions[name], seen) for name, seen in _hottest(measured)],
        "routes": [
            {"path": each.path, "methods": each.methods, "requests": measured.requests_of(each)}
            for each in analysis.routes
        ],
    }


def _function_object(function: Function, seen: MeasuredFunction) -> Mapping[str, object]:
    place = {"module": function.module, "function": function.qualname, "file": function.file, "line": function.line}
    return {**place, **asdict(seen)}
