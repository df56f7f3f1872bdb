"""One traced process as the collector sees it: its segment, and where the two stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..model import DefinitionKind
from ..store import SegmentInfo
from ..wire.definitions import decode_definition
from ..wire.errors import WireError

if TYPE_CHECKING:
    from .._core import Segment
    from ..model import Attributes
    from ..store.batch import LaneLoss
    from .lifetime import Lifetime
    from .owner import Owner


@dataclass(slots=True)
class Source:
    """A segment being read.

    ``number`` is the store's, ``slot`` the correlator's. ``definitions`` counts the entries that the store has;
    ``fresh`` are those it has not. ``heads`` and ``losses`` are what the store was last told; ``lost_before`` events
    were lost before this collector read it. ``control`` is the word that the process was told, None: none yet;
    ``shed`` are the bits of it that say what is left out. A source
    that is ``dead`` is read to its end; it is ``settled`` when the store has been told so.
    """

    segment: Segment
    owner: Owner
    lifetime: Lifetime
    number: int
    slot: int
    definitions: int = 0
    fresh: list[bytes] = field(default_factory=list[bytes])
    heads: tuple[int, ...] = ()
    losses: tuple[LaneLoss, ...] = ()
    lost_before: int = 0
    control: int | None = None
    shed: int = 0
    dead: bool = False
    settled: bool = False

    @property
    def lost(self) -> int:
        """Events that were lost since this collector has read the segment."""
        return sum(events for _, _, events in self.losses) - self.lost_before

    def close(self) -> None:
        self.owner.close()
        self.segment.close()


def info_of(segment: Segment, entries: list[bytes]) -> SegmentInfo:
    """What the store is told of a process; ``entries`` are its definitions."""
    resource = _resource(entries)
    service, host = resource.get("service.name"), resource.get("host.name")
    return SegmentInfo(
        uuid=segment.uuid,
        pid=segment.pid,
        service=service if isinstance(service, str) else "",
        host=host if isinstance(host, str) else "",
        started_ns=segment.clocks[2],
    )


def _resource(entries: list[bytes]) -> Attributes:
    """What the process says of itself in its definitions; empty where it does not."""
    for entry in entries:
        try:
            definition = decode_definition(entry)
        except WireError:
            continue
        if definition.kind is DefinitionKind.RESOURCE:
            return definition.attributes
    return {}
