"""Which requests a rule is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_CONVERTER: Final = re.compile(r"(\{[^{}:]*):[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Condition:
    """A request meets it where all that is not None is so.

    ``route`` is a route's template, in which ``*`` is any text; ``id`` a correlation id or trace id. ``ticket`` names
    what only one request, of all processes, can have.
    """

    method: str | None = None
    route: str | None = None
    id: str | None = None
    ticket: str | None = None

    @classmethod
    def of_route(cls, text: str) -> Condition:
        """``/items/{id}`` or ``GET /items/{id}``, with or without what a framework converts a part to."""
        method, _, route = text.rpartition(" ")
        return cls(method=method.upper() or None, route=_CONVERTER.sub(r"\1}", route))

    def __str__(self) -> str:
        return " and ".join(self._parts())

    def _parts(self) -> list[str]:
        route = f"route:{self.method} {self.route}" if self.method else f"route:{self.route}"
        parts = ((self.route, route), (self.id, f"id:{self.id}"), (self.ticket, f"next:{self.ticket}"))
        return [text for given, text in parts if given is not None]
