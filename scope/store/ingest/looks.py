"""What a request has in common with others, worked out once for all that are alike.

A request's segment, method, route, status and so on, as the correlator hands them over, are the key to a ``Look``:
the same in words, the endpoint it counts for, and whether it failed. Most requests are like one before, so that a
look-up in a dict is all they cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from ...model import Outcome, RequestKind, RequestState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..batch import SegmentInfo
    from .definitions import Definitions
    from .endpoints import Endpoints

__all__ = ["Look", "Looks", "Shape", "Traits"]

_UNKNOWN: Final = "unknown"
_KINDS: Final = {int(kind): kind.name.lower() for kind in RequestKind}
_STATES: Final = {int(state): state.name.lower() for state in RequestState}
_OUTCOMES: Final = {int(outcome): outcome.name.lower() for outcome in Outcome}
_MAX_LOOKS: Final = 8192


class Traits(NamedTuple):
    """The key to a look: fields of the summary, in the order in which its columns are zipped."""

    segment: int
    state: int
    kind: int
    flags: int
    complete: int
    status: int
    method: str
    route: int
    route_text: str | None
    outcome: int
    sites: tuple[int, ...]
    error: str | None = None
    names: tuple[str, ...] = ()


class Shape(NamedTuple):
    """A row of the table of shapes (its number aside), and its span names in order."""

    kind: str
    state: str
    outcome: str
    flags: int
    complete: int
    status: int | None
    method: str
    route: str | None
    error: str | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A shape, the endpoint that rollups count it by, and whether such a request counts as failed."""

    shape: Shape
    endpoint: int
    failed: bool


class Looks(dict["tuple[object, ...]", Look]):
    """Looks by traits (a plain tuple of them will do), made when first asked for; bounded by starting anew."""

    def __init__(self, segments: Mapping[int, SegmentInfo], definitions: Definitions, endpoints: Endpoints) -> None:
        super().__init__()
        self._segments = segments
        self._definitions = definitions
        self._endpoints = endpoints

    def __missing__(self, key: tuple[object, ...]) -> Look:
        if len(self) >= _MAX_LOOKS:
            self.clear()
        look = self[key] = self._look(Traits(*key))  # type: ignore[arg-type]  # as zipped
        return look

    def _look(self, traits: Traits) -> Look:
        shape = self._shape(traits)
        service = self._segments[traits.segment].service
        return Look(shape, self._endpoints.number(service, shape.kind, shape.method, shape.route), _has_failed(traits))

    def _shape(self, traits: Traits) -> Shape:
        kind = _KINDS.get(traits.kind, _UNKNOWN)
        route = self._definitions.name(traits.segment, traits.route) or traits.route_text
        defined = (self._definitions.name(traits.segment, site) for site in traits.sites)
        return Shape(
            kind=kind,
            state=_STATES.get(traits.state, _UNKNOWN),
            outcome=_OUTCOMES.get(traits.outcome, _UNKNOWN),
            flags=traits.flags,
            complete=traits.complete,
            status=traits.status or None,
            method=traits.method,
            route=route,
            error=traits.error if _has_erred(traits) else None,
            names=tuple(sorted({*_root_name(kind, traits.method, route), *filter(None, defined), *traits.names})),
        )


def _root_name(kind: str, method: str, route: str | None) -> tuple[str, ...]:
    """What the request's own span is called, where that is the same for many requests."""
    if kind == "lifespan":
        return (kind,)
    if not route:
        return ()
    return (f"{'WEBSOCKET' if kind == 'websocket' else method} {route}",)


def _has_erred(traits: Traits) -> bool:
    return traits.outcome == Outcome.EXCEPTION or traits.status >= 500


def _has_failed(traits: Traits) -> bool:
    return _has_erred(traits) or traits.state == RequestState.ABORTED
