"""What a rule says after ``if``: which requests it is about, and which functions of those that its pattern names.

- ``route:/items/{id}``, ``route:GET /items/*``: requests of that route.
- ``id:8f14e45f``: the request with that correlation id.
- ``next:TICKET``: one request only, of all processes; ``scope probe --next`` gives the ticket.
- ``complexity>=10``: functions that at least ten ways lead through.

Several are joined with ``and``; each may be said once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .condition import Condition
from .errors import RuleError

__all__ = ["NO_CRITERIA", "Criteria"]

_KINDS: Final = {
    "route": re.compile(r"route:(?P<value>(?:[A-Za-z]+ )?[/*][^\s,#]*)"),
    "id": re.compile(r"id:(?P<value>[\w\-.:~+/=@]{1,128})", re.ASCII),
    "next": re.compile(r"next:(?P<value>[0-9a-f]{8,32})"),
    "complexity": re.compile(r"complexity>=(?P<value>[0-9]{1,6})"),
}


@dataclass(frozen=True, slots=True)
class Criteria:
    """``condition`` is None where the rule is about every request, ``complexity`` 0 where about every function."""

    condition: Condition | None = None
    complexity: int = 0

    @classmethod
    def parse(cls, text: str) -> Criteria:
        """Raises RuleError."""
        found: dict[str, str] = {}
        for part in text.split(" and "):
            kind, value = _read(part.strip())
            if kind in found:
                raise RuleError(f"{kind} is said twice; write a rule for each")
            found[kind] = value
        route = Condition.of_route(found["route"]) if "route" in found else Condition()
        condition = Condition(route.method, route.route, found.get("id"), found.get("next"))
        return cls(None if condition == Condition() else condition, int(found.get("complexity", 0)))

    def __str__(self) -> str:
        parts = [f"complexity>={self.complexity}"] if self.complexity else []
        return " and ".join([*parts, *([str(self.condition)] if self.condition is not None else [])])


NO_CRITERIA: Final = Criteria()


def _read(part: str) -> tuple[str, str]:
    """The kind of a criterion, and what it says."""
    for kind, pattern in _KINDS.items():
        if match := pattern.fullmatch(part):
            return kind, match["value"]
    if part == "next":
        raise RuleError("the next request can only be asked for of running processes: scope probe --next")
    raise RuleError(
        f"{part!r} is nothing that a rule can ask for: "
        "write route:/items/{id}, route:GET /items/*, id:ID or complexity>=10"
    )
