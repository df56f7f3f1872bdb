"""What values a key takes: how each kind is read, described and written back."""

# Importing pathlib would cost a traced process more than the rest of its configuration.
# ruff: noqa: PTH111
from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar, cast

from .units import BYTE_UNITS, TIME_UNITS_MS, format_quantity, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Choice", "Duration", "Flag", "Kind", "Names", "NamesOrAuto", "Percent", "Size", "Text", "Where", "Whole"]

T = TypeVar("T")

_TRUE: Final = ("true", "1", "yes", "on")
_FALSE: Final = ("false", "0", "no", "off")


class Kind(ABC, Generic[T]):
    """A kind of value. ``parse(show(value)) == value`` for every value of it."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """The values it takes, as a phrase: "a whole number from 1 to 1024"."""

    @abstractmethod
    def parse(self, raw: object) -> T:
        """The value that ``raw`` (of TOML, of the environment, or an argument) stands for; ValueError if it is none."""

    def show(self, value: T) -> str:
        """``value`` as text, the way people would write it."""
        return str(value)


class Flag(Kind[bool]):
    """Yes or no."""

    @property
    def allowed(self) -> str:
        return "true or false"

    def parse(self, raw: object) -> bool:
        if isinstance(raw, bool):
            return raw
        word = _text(raw).strip().lower()
        if word not in _TRUE + _FALSE:
            raise ValueError(raw)
        return word in _TRUE

    def show(self, value: bool) -> str:  # noqa: FBT001 - the value itself
        return "true" if value else "false"


@dataclass(frozen=True)
class Choice(Kind[T]):
    """One of a few words."""

    words: tuple[T, ...]

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(map(str, self.words))

    def parse(self, raw: object) -> T:
        found = [word for word in self.words if word == _text(raw).strip().lower()]
        if not found:
            raise ValueError(raw)
        return found[0]


@dataclass(frozen=True)
class Whole(Kind[int]):
    """A whole number within bounds."""

    low: int
    high: int

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def parse(self, raw: object) -> int:
        return _within(self, parse_quantity(_number(raw), {}))


@dataclass(frozen=True)
class Percent(Kind[float]):
    """A percentage within bounds, perhaps with a fraction."""

    low: float
    high: float

    @property
    def allowed(self) -> str:
        return f"a percentage from {self.show(self.low)} to {self.show(self.high)}"

    def parse(self, raw: object) -> float:
        value = float(_number(raw).strip().removesuffix("%"))
        if not self.low <= value <= self.high:
            raise ValueError(raw)
        return value

    def show(self, value: float) -> str:
        return str(float(value)).removesuffix(".0")


@dataclass(frozen=True)
class Size(Kind[int]):
    """A number of bytes within bounds; ``power`` asks for a power of two, which the ring's arithmetic needs."""

    low: int
    high: int
    power: bool = False

    @property
    def allowed(self) -> str:
        what = "a power of two of bytes" if self.power else "bytes"
        return f"{what} from {self.show(self.low)} to {self.show(self.high)}"

    def parse(self, raw: object) -> int:
        size = _within(self, parse_quantity(_number(raw), BYTE_UNITS))
        if self.power and size & (size - 1):
            raise ValueError(raw)
        return size

    def show(self, value: int) -> str:
        return format_quantity(value, {unit: size for unit, size in BYTE_UNITS.items() if "i" in unit or size == 1})


@dataclass(frozen=True)
class Duration(Kind[int]):
    """A time within bounds, counted in ``unit``."""

    unit: Literal["ms", "s"]
    low: int
    high: int

    @property
    def allowed(self) -> str:
        return f"a time from {self.show(self.low)} to {self.show(self.high)} in whole {self.unit}"

    def parse(self, raw: object) -> int:
        return _within(self, parse_quantity(_number(raw), TIME_UNITS_MS, TIME_UNITS_MS[self.unit]))

    def show(self, value: int) -> str:
        units = {unit: size for unit, size in TIME_UNITS_MS.items() if unit not in {"m", "w"}}
        return format_quantity(value, units, TIME_UNITS_MS[self.unit])


@dataclass(frozen=True)
class Text(Kind[str]):
    """Text that a regular expression matches whole; ``what`` describes it."""

    pattern: str
    what: str
    lower: bool = False

    @property
    def allowed(self) -> str:
        return self.what

    def parse(self, raw: object) -> str:
        text = _text(raw).strip()
        if not text.isprintable() or re.fullmatch(self.pattern, text) is None:
            raise ValueError(raw)
        return text.lower() if self.lower else text


class Where(Kind[str]):
    """The path of a directory; whoever reads it knows what a relative one is relative to."""

    @property
    def allowed(self) -> str:
        return "the path of a directory"

    def parse(self, raw: object) -> str:
        path = _text(os.fspath(cast("os.PathLike[str]", raw)) if isinstance(raw, os.PathLike) else raw)
        if not path.strip() or "\0" in path:
            raise ValueError(path)
        return os.path.expanduser(path)


@dataclass(frozen=True)
class Names(Kind[tuple[str, ...]]):
    """A list of words that a regular expression matches whole; as text, separated by commas.

    Of words that are given twice the first counts, or the last where their order tells.
    """

    pattern: str
    what: str
    most: int = 100
    last_counts: bool = False

    @property
    def allowed(self) -> str:
        return f"a list of {self.what}, separated by commas where it is text"

    def parse(self, raw: object) -> tuple[str, ...]:
        parts: Iterable[object] = raw.split(",") if isinstance(raw, str) else _items(raw)
        given = [name for part in parts if (name := _text(part).strip())]
        names = tuple(dict.fromkeys(given) if not self.last_counts else [*dict.fromkeys(reversed(given))][::-1])
        if len(names) > self.most or not all(re.fullmatch(self.pattern, name) for name in names):
            raise ValueError(raw)
        return names

    def show(self, value: tuple[str, ...]) -> str:
        return ",".join(value)


@dataclass(frozen=True)
class NamesOrAuto(Kind["tuple[str, ...] | Literal['auto']"]):
    """The word ``auto``, or a list of words."""

    names: Names

    @property
    def allowed(self) -> str:
        return f'"auto", or {self.names.allowed}'

    def parse(self, raw: object) -> tuple[str, ...] | Literal["auto"]:
        if isinstance(raw, str) and raw.strip().lower() == "auto":
            return "auto"
        return self.names.parse(raw)

    def show(self, value: tuple[str, ...] | Literal["auto"]) -> str:
        return value if isinstance(value, str) else self.names.show(value)


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError(raw)  # noqa: TRY004 - one kind of failure for the caller
    return raw


def _items(raw: object) -> Iterable[object]:
    if not isinstance(raw, list | tuple | set | frozenset):
        raise ValueError(raw)  # noqa: TRY004 - as above
    items = cast("Iterable[object]", raw)
    return sorted(items, key=str) if isinstance(raw, set | frozenset) else items


def _number(raw: object) -> str:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ValueError(raw)  # noqa: TRY004 - as above
    return str(raw)


def _within(bounds: Whole | Size | Duration, number: int) -> int:
    if not bounds.low <= number <= bounds.high:
        raise ValueError(number)
    return number
