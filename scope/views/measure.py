"""The pass from traces to what they tell of the functions of a code base.

A span is taken for a function's where its name and its file are: those of recorded functions have both. A handler or a
dependency that is known by its name only is one of the code base's where just one function is called so, and where
nothing that is recorded below it is that function already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from heapq import nlargest
from typing import TYPE_CHECKING, Final

from ..instrument.analyse import Measured, MeasuredFunction
from ..model import SpanKind
from .blame import innermost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..instrument.analyse import Analysis, Function
    from ..model import Span, Step, Trace
    from ..store import RouteStats

__all__ = ["measure"]

_LOCALS: Final = ".<locals>."
_HELD_BACK: Final = "scope.held_back"
_STEPS: Final = 100
"""So many of the steps of a request are looked at for their function: it takes a while to find."""
_BY_NAME: Final = frozenset({SpanKind.HANDLER, SpanKind.DEPENDENCY})


def measure(analysis: Analysis, traces: Iterable[Trace], routes: Iterable[RouteStats]) -> Measured:
    """What ``traces`` tell of the functions of ``analysis``, and ``routes`` of how often which route was asked for."""
    named = _Named(analysis.known)
    found: defaultdict[str, MeasuredFunction] = defaultdict(MeasuredFunction)
    looked_at = 0
    for trace in traces:
        looked_at += 1
        for name, seen in _functions_of(trace, named).items():
            found[name] = _joined(found[name], seen)
    requests: defaultdict[tuple[str, str], int] = defaultdict(int)
    for route in routes:
        if route.route is not None:
            requests["" if route.kind == "websocket" else route.method, route.route] += route.count
    return Measured(looked_at, sum(requests.values()), dict(found), dict(requests))


class _Named:
    """The functions of a code base by what spans say of them."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self.names = frozenset(each.name for each in functions)
        self._by_qualname: defaultdict[str, list[Function]] = defaultdict(list)
        self._by_last: defaultdict[str, list[Function]] = defaultdict(list)
        for each in functions:
            self._by_qualname[each.qualname].append(each)
            self._by_last[each.qualname.rpartition(".")[2]].append(each)

    def function(self, span: Span) -> str | None:
        """The dotted name of the function that ``span`` is a call of; None where it is of none."""
        if span.file:
            return self._in_file(span)
        if span.kind not in _BY_NAME or any(self._in_file(child) for child in span.children):
            return None
        candidates = self._by_qualname.get(span.name) or self._by_last.get(span.name) or []
        return candidates[0].name if len(candidates) == 1 else None

    def _in_file(self, span: Span) -> str | None:
        for each in self._by_qualname.get(span.name.replace(_LOCALS, "."), ()):
            module = each.module.replace(".", "/")
            if f"/{span.file}".endswith((f"/{module}.py", f"/{module}/__init__.py")):
                return each.name
        return None


def _functions_of(trace: Trace, named: _Named) -> Mapping[str, MeasuredFunction]:
    """What one request tells of each function that it called."""
    found: dict[str, MeasuredFunction] = {}
    request = trace.request.id
    for _, span in trace.spans():
        name = named.function(span)
        if name is not None:
            took_ns = span.duration_ns or 0
            one = MeasuredFunction(1, 1, took_ns, took_ns, request)
            found[name] = replace(_joined(found.get(name, MeasuredFunction()), one), requests=1)
    for name, calls in _held_back(trace.root):
        if name in named.names:
            seen = found.get(name, MeasuredFunction(requests=1))
            found[name] = replace(seen, calls=seen.calls + calls)
    for name, held_ns in _holds(trace, named):
        if name in found and held_ns > found[name].held_ns:
            found[name] = replace(found[name], held_ns=held_ns, held_in=request)
    return found


def _joined(one: MeasuredFunction, other: MeasuredFunction) -> MeasuredFunction:
    slow, holding = max(one, other, key=lambda each: each.longest_ns), max(one, other, key=lambda each: each.held_ns)
    return MeasuredFunction(
        calls=one.calls + other.calls,
        requests=one.requests + other.requests,
        total_ns=one.total_ns + other.total_ns,
        longest_ns=slow.longest_ns,
        longest_in=slow.longest_in,
        held_ns=holding.held_ns,
        held_in=holding.held_in,
    )


def _held_back(root: Span) -> Iterator[tuple[str, int]]:
    """Calls that were counted and not recorded, by the dotted name of the function."""
    held_back = root.attributes.get(_HELD_BACK)
    if isinstance(held_back, Mapping):
        for name, calls in held_back.items():
            if isinstance(calls, int):
                yield name.replace(_LOCALS, "."), calls


def _holds(trace: Trace, named: _Named) -> Iterator[tuple[str, int]]:
    """The functions that were innermost in the longest steps in a loop, each with how long the step was."""
    steps = (step for step in trace.steps if not step.in_thread)
    for step in nlargest(_STEPS, steps, key=lambda step: step.end_ns - step.start_ns):
        name = _holder(trace.root, step, named)
        if name is not None:
            yield name, step.end_ns - step.start_ns


def _holder(root: Span, step: Step, named: _Named) -> str | None:
    """The last on the way to the innermost span that is a function's."""
    way = innermost(root, step.start_ns, step.end_ns)
    return next(filter(None, map(named.function, reversed(way))), None)
