"""What an analysis has to say of a place in the code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .functions import Function

__all__ = ["DEEPEST", "RULES", "Cost", "Finding", "Rule", "Severity", "finding_in", "short_way"]

DEEPEST: Final = 12
"""So many calls are followed from a function."""
_SHOWN: Final = 5


class Severity(IntEnum):
    """How much it is likely to hurt."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: what it is, and what to do about it."""

    id: str
    title: str
    advice: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What traces tell of the function that a finding is in: ``calls`` of it in those looked at.

    ``ns`` is what it ``did`` at worst ("held the loop", "took"), in the request ``example``; 0 where it is not known
    to cost any time by itself.
    """

    calls: int
    ns: int
    did: str
    example: str


@dataclass(frozen=True, slots=True)
class Finding:
    """``function`` is the dotted name of the one it is in; ``path`` how a root leads there, the root first.

    ``routes`` counts the routes from which the function can be reached. ``cost`` is None where traces do not tell.
    ``explanation`` is what a program of the user's said of it, empty where none was asked.
    """

    rule: str
    severity: Severity
    message: str
    file: str
    line: int
    function: str
    path: tuple[str, ...] = ()
    routes: int = 0
    cost: Cost | None = None
    explanation: str = ""

    @property
    def root(self) -> str:
        """The function by which it is reached."""
        return self.path[0] if self.path else self.function


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        rule.id: rule
        for rule in (
            Rule(
                "blocking-call",
                "a blocking call in asynchronous code",
                "it holds the event loop, and every request with it: use an asynchronous library, or asyncio.to_thread",
            ),
            Rule(
                "query-in-loop",
                "a query or request in a loop",
                "its time grows with the number of items: ask once for all of them, or gather",
            ),
            Rule("missing-await", "a coroutine that nobody awaits", "it never runs: await it"),
            Rule(
                "swallowed-exception",
                "an exception that nobody learns of",
                "catch what is expected, log the rest, and let cancellation pass",
            ),
            Rule(
                "unkept-task",
                "a task that nobody keeps",
                "it may be collected before it ends, and its exception is lost: keep it, or use a TaskGroup",
            ),
            Rule("complexity", "a function with many branches", "split it by what it decides"),
        )
    }
)
"""Every kind of finding by its id."""


def finding_in(
    rule: str, severity: Severity, function: Function, line: int, message: str, path: Sequence[str] = ()
) -> Finding:
    return Finding(rule, severity, message, function.file, line, function.name, tuple(path))


def short_way(path: Sequence[str]) -> str:
    """A way through functions; of a long one its ends."""
    shown = path if len(path) <= _SHOWN else (*path[: _SHOWN - 2], "...", path[-1])
    return " -> ".join(shown)
