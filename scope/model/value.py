"""A value as it was captured: bounded, and without what is secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Cut:
    """A string kept in part: ``text`` of what was ``length`` characters."""

    text: str
    length: int


@dataclass(frozen=True, slots=True)
class Redacted:
    """A value withheld because its name or its shape said that it is secret."""


@dataclass(frozen=True, slots=True)
class ObjectName:
    """A value that was not captured, by the name of its type."""

    type_name: str


@dataclass(frozen=True, slots=True)
class Part:
    """A list or map kept in part: ``items`` of what were ``length``."""

    items: tuple[AttributeValue, ...] | Mapping[str, AttributeValue]
    length: int


@dataclass(frozen=True, slots=True)
class Instance:
    """An object with attributes of its own; ``is_part`` where it has more of them."""

    type_name: str
    attributes: Mapping[str, AttributeValue]
    is_part: bool = False


_Scalar: TypeAlias = bool | int | float | str | bytes | Cut | Redacted | ObjectName | None
AttributeValue: TypeAlias = "_Scalar | tuple[AttributeValue, ...] | Mapping[str, AttributeValue] | Part | Instance"
Attributes: TypeAlias = Mapping[str, AttributeValue]
