"""What can be searched for in a request, out of the raw records that the correlator found worth indexing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Final

from ...model import EventType
from ...wire import fields
from ...wire.decode import decode_records
from ...wire.errors import WireError
from ..filter import attribute_number, attribute_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...model import Event, Frame

__all__ = ["NOTHING", "Fault", "Noted", "read_notes"]

MAX_ATTRIBUTES: Final = 64
MAX_KEY: Final = 128
MAX_TEXT: Final = 256
MAX_MESSAGE: Final = 512
"""Bounds of what one request adds to the index: attributes, and characters of their keys, values and of a message."""

_ESCAPED: Final = 1
_REPEATED: Final = 2
_ROOT: Final = 1
_INT64: Final = 1 << 63
_FLOAT_LIMIT: Final = 10**300


@dataclass(frozen=True, slots=True)
class Fault:
    """One exception that a request recorded.

    ``ended`` grows with how surely it is the one that ended the request. An ``is_echo`` was recorded before, in a piece
    that was handed over earlier: it tells which exception went on, and is not counted again.
    """

    type: str
    message: str
    file: str
    function: str
    line: int
    ended: int
    is_echo: bool = False

    def fingerprint(self, route: str | None) -> str:
        """Type, innermost frame of the application and route in 16 hex digits; the line is left out, it moves."""
        parts = (self.type, self.file, self.function, route or "")
        return blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Noted:
    """What is worth indexing in a request.

    ``attributes`` are (key, text, number) as filters compare them. ``names`` are those of spans without a definition,
    ``fingerprints`` those of exceptions that are counted already, ``earlier_error`` the type of the latest of these.
    """

    attributes: tuple[tuple[str, str, int | float | None], ...] = ()
    faults: tuple[Fault, ...] = ()
    names: tuple[str, ...] = ()
    fingerprints: frozenset[str] = frozenset()
    earlier_error: str | None = None

    @property
    def error(self) -> str | None:
        """The type of the exception that ended the request, if one did: the latest of the likeliest."""
        if not self.faults:
            return self.earlier_error
        return max(reversed(self.faults), key=lambda fault: fault.ended).type

    def by_fingerprint(self, route: str | None) -> dict[str, Fault]:
        """The exceptions to count, each group once."""
        return {fault.fingerprint(route): fault for fault in self.faults if not fault.is_echo}

    def followed_by(self, later: Noted) -> Noted:
        """This, which is stored, and ``later``, which is not."""
        attributes = tuple(dict.fromkeys(self.attributes + later.attributes))[:MAX_ATTRIBUTES]
        return replace(
            self, attributes=attributes, faults=later.faults, names=tuple(dict.fromkeys(self.names + later.names))
        )


NOTHING: Final = Noted()


def read_notes(notes: Sequence[bytes]) -> Noted:
    """What ``notes`` say; records that break the format are passed over."""
    attributes: dict[tuple[str, str], int | float | None] = {}
    faults: list[Fault] = []
    names: dict[str, None] = {}
    for note in notes:
        for event in _events(note):
            for key, value in fields.attributes(event).items():
                text = attribute_text(value)
                if text is not None:
                    attributes[key[:MAX_KEY], text[:MAX_TEXT]] = _storable(attribute_number(value))
            if event.type is EventType.EXCEPTION:
                _add_fault(faults, event)
            elif event.type is EventType.SPAN_BEGIN and event.payload.get("name"):
                names[fields.text(event, "name")[:MAX_TEXT]] = None
    rows = ((key, text, number) for (key, text), number in islice(attributes.items(), MAX_ATTRIBUTES))
    return Noted(tuple(rows), tuple(faults), tuple(names))


def _events(note: bytes) -> Iterable[Event]:
    try:
        return list(decode_records(note))
    except WireError:
        return ()


def _storable(number: float | None) -> int | float | None:
    """SQLite has no integers beyond 64 bits; next to those a float is as good, where it reaches."""
    if not isinstance(number, int) or -_INT64 <= number < _INT64:
        return number
    return float(number) if abs(number) < _FLOAT_LIMIT else None


def _add_fault(faults: list[Fault], event: Event) -> None:
    """An exception that was recorded on an inner span already is the same fault; now it is known to have ended more."""
    fault = _fault(event)
    if fields.number(event, "flags") & _REPEATED:
        for index in reversed(range(len(faults))):
            if faults[index].type == fault.type and faults[index].message == fault.message:
                faults[index] = replace(faults[index], ended=fault.ended)
                return
        fault = replace(fault, is_echo=True)
    faults.append(fault)


def _fault(event: Event) -> Fault:
    frames = fields.frames(event)
    frame = _top(frames)
    escaped = fields.number(event, "flags") & _ESCAPED
    return Fault(
        fields.text(event, "type")[:MAX_TEXT],
        fields.text(event, "message")[:MAX_MESSAGE],
        frame.file if frame else "",
        frame.function if frame else "",
        frame.line if frame else 0,
        ended=escaped + (escaped and event.span == _ROOT),
    )


def _top(frames: Sequence[Frame]) -> Frame | None:
    """The innermost frame of the application's own; without any, the innermost."""
    own = [frame for frame in frames if frame.in_app]
    return (own or frames or (None,))[-1]
