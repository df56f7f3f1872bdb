"""One traced process as the collector sees it: its segment, and where the two stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..model import DefinitionKind
from ..wire.definitions import decode_definition
from ..wire.errors import WireError

if TYPE_CHECKING:
    from .._core import Segment
    from ..model import Attributes


@dataclass(slots=True)
class Source:
    """A segment being read.

    ``number`` is the store's, ``slot`` the correlator's. ``definitions`` counts the entries that the store has;
    ``fresh`` are those it has not. ``heads`` and ``losses`` are what the store was last told.
    """

    segment: Segment
    path: str
    number: int
    slot: int
    definitions: int = 0
    fresh: list[bytes] = field(default_factory=list[bytes])
    heads: tuple[int, ...] = ()
    losses: dict[str, int] = field(default_factory=dict[str, int])
    dead: bool = False


def resource_of(entries: list[bytes]) -> Attributes:
    """What the process says of itself in its definitions; empty where it does not."""
    for entry in entries:
        try:
            definition = decode_definition(entry)
        except WireError:
            continue
        if definition.kind is DefinitionKind.RESOURCE:
            return definition.attributes
    return {}
