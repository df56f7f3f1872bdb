"""The events of a request in the order in which they happened, whatever lane they are of.

A lane's time never goes back. Lanes are read one after the other, so those that stand side by side in a blob are apart
by what one reading of a lane gave; whoever looks far enough ahead has them in order without holding all.
"""

from __future__ import annotations

from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from ..model import EventType
from ..wire import fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..model import Event

__all__ = ["AHEAD", "in_order"]

AHEAD: Final = 1 << 14
"""Far enough where what comes late does little harm."""


def in_order(events: Iterable[Event], ahead: int | None) -> Iterator[tuple[Event, str]]:
    """Every event with the name of its thread, by time and within a lane as written.

    One that stands more than ``ahead`` events later than its time says comes late. Up to twice as many are held; all
    with None, and none comes late.
    """
    placed = _placed(events)
    held: list[tuple[int, Event, str]] = []
    while more := list(islice(placed, ahead)):
        held += more
        held.sort(key=itemgetter(0))
        if ahead is not None and len(held) > ahead:
            yield from ((event, thread) for _, event, thread in held[:-ahead])
            del held[:-ahead]
    yield from ((event, thread) for _, event, thread in held)


def _placed(events: Iterable[Event]) -> Iterator[tuple[int, Event, str]]:
    """Each event with its time, made so that sorting by it keeps the order of every lane, and its thread."""
    latest: dict[tuple[object, ...], int] = {}
    lane: tuple[object, ...] = ()
    thread = ""
    for event in events:
        when = event.time_ns
        if event.type is EventType.LANE:
            thread = fields.text(event, "thread_name")
            lane = (event.payload.get("thread_id"), event.payload.get("generation"), thread)
            continue
        if event.type is not EventType.GAP:
            when = latest[lane] = max(when, latest.get(lane, 0))
        yield when, event, thread
