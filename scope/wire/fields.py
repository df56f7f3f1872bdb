"""Typed access to what an event's payload holds; a field that is missing or of another type reads as empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from ..model import Attributes, Event, Frame

_NO_ATTRIBUTES: Final[Attributes] = {}


def number(event: Event, name: str) -> int:
    value = event.payload.get(name)
    return value if isinstance(value, int) else 0


def text(event: Event, name: str) -> str:
    value = event.payload.get(name)
    return value if isinstance(value, str) else ""


def octets(event: Event, name: str) -> bytes:
    value = event.payload.get(name)
    return value if isinstance(value, bytes) else b""


def attributes(event: Event) -> Attributes:
    value = event.payload.get("attributes")
    return cast("Attributes", value) if isinstance(value, Mapping) else _NO_ATTRIBUTES


def line_runs(event: Event) -> tuple[tuple[int, int, int], ...]:
    """Line, how often it began, and ns until the next one began."""
    value = event.payload.get("lines")
    return cast("tuple[tuple[int, int, int], ...]", value) if isinstance(value, tuple) else ()


def frames(event: Event) -> tuple[Frame, ...]:
    value = event.payload.get("frames")
    return cast("tuple[Frame, ...]", value) if isinstance(value, tuple) else ()
