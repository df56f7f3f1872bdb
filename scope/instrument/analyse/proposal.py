"""What to probe of a code base, judged by what its routes lead to and by the loops on the way.

A call within a loop is taken to be made ten times as often as what is around the loop. That is a guess; traces tell how
often it really was.
"""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .calls import Calls
    from .functions import Function

__all__ = ["CALL_NS", "Proposed", "propose", "proposed_as_measured"]

CALL_NS: Final = 120
"""What a probed call costs, at most."""

_TIMES: Final = 10
_MOST_CALLS: Final = 1_000_000
_TOO_OFTEN: Final = 1_000
_FEW_STATEMENTS: Final = 3
_OFTEN: Final = "called too often"
_MINOR: Final = "a few lines that call nothing"


@dataclass(frozen=True, slots=True)
class Proposed:
    """``calls`` is how often a request is taken to call the function; ``reason`` says why it is left out.

    ``requests`` are those in which traces counted the calls; where there are none, loops gave the number.
    """

    function: Function
    level: Literal["timing", "off"]
    calls: int
    reason: str = ""
    requests: int = 0

    @property
    def cost_ns(self) -> int:
        """Nanoseconds that recording it adds to a request, at most."""
        return self.calls * CALL_NS if self.level == "timing" else 0

    @property
    def basis(self) -> str:
        """What ``calls`` rests on."""
        if not self.requests:
            return "guessed"
        return f"measured in {self.requests} {'request' if self.requests == 1 else 'requests'}"


def propose(handlers: Iterable[str], reached: Iterable[str], calls: Calls) -> list[Proposed]:
    """For every function of ``reached`` whether to probe it; ``handlers`` are called once a request."""
    counts = _counts(handlers, calls)
    made = (_judge(calls.functions[name], counts.get(name, 1), calls) for name in reached)
    return sorted(made, key=lambda each: (each.function.file, each.function.line))


def proposed_as_measured(function: Function, before: Proposed | None, calls: int, requests: int) -> Proposed:
    """What is proposed for a function that was called so often, on the average of ``requests``.

    What was left out ``before`` because it does next to nothing stays so.
    """
    if calls >= _TOO_OFTEN:
        return Proposed(function, "off", calls, _OFTEN, requests)
    if before is not None and before.reason == _MINOR:
        return Proposed(function, "off", calls, _MINOR, requests)
    return Proposed(function, "timing", calls, requests=requests)


def _judge(function: Function, count: int, calls: Calls) -> Proposed:
    if count >= _TOO_OFTEN:
        return Proposed(function, "off", count, _OFTEN)
    if _is_minor(function, calls):
        return Proposed(function, "off", count, _MINOR)
    return Proposed(function, "timing", count)


def _is_minor(function: Function, calls: Calls) -> bool:
    statements = sum(isinstance(node, ast.stmt) for node in function.nodes)
    return statements <= _FEW_STATEMENTS and not function.is_async and not calls.of(function.name)


def _counts(handlers: Iterable[str], calls: Calls) -> Mapping[str, int]:
    """Estimated calls a request, along the way that gives most of them; recursion counts as a single call."""
    counts: dict[str, int] = {}
    waiting = deque((name, 1, frozenset[str]()) for name in handlers if name in calls.functions)
    while waiting:
        name, count, way = waiting.popleft()
        if counts.get(name, 0) >= count or name in way:
            continue
        counts[name] = count
        for call in calls.of(name):
            target = calls.target(call)
            if target is not None:
                often = min(count * _TIMES**call.loops, _MOST_CALLS)
                waiting.append((target.name, often, way | {name}))
    return counts
