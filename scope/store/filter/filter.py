"""A condition on requests, parsed once: ``route:/users/{id} status>=500 dur>200ms -path:/health since:15m``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import match
from .error import FilterError
from .nodes import AllOf
from .parser import parse_nodes
from .sql import Layout, compile_node

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...model import RequestSummary, Trace
    from .nodes import Node
    from .sql import Condition

__all__ = ["Filter", "FilterError", "parse"]


@dataclass(frozen=True, slots=True)
class Filter:
    """What ``text`` says about requests; the grammar is in ``parser``, the fields in ``fields``."""

    text: str
    node: Node

    @property
    def needs_trace(self) -> bool:
        """Whether what :meth:`where` finds must still pass :meth:`matches`."""
        return match.needs_trace(self.node)

    def where(self, layout: Layout) -> Condition:
        """An SQL expression over the tables of ``layout``, and the values to bind to its question marks.

        A superset of what the filter means if :attr:`needs_trace`, else exactly it.
        """
        return compile_node(self.node, layout)

    def also(self, other: Filter) -> Filter:
        """What meets both."""
        return Filter(f"({self.text}) ({other.text})", AllOf((self.node, other.node)))

    def matches(self, request: RequestSummary, trace: Callable[[], Trace]) -> bool:
        """Whether ``request`` meets the filter; ``trace`` is called only if spans or attributes matter."""
        return match.matches(self.node, request, trace)


def parse(text: str, *, now_ns: int | None = None) -> Filter:
    """Read ``text``; empty text lets everything through.

    ``now_ns`` is the Unix time that ``since:15m`` counts back from, by default the clock's. Raises FilterError, which
    names the place, for anything not understood.
    """
    return Filter(text, parse_nodes(text, time.time_ns() if now_ns is None else now_ns))
