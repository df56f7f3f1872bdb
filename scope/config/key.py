"""One key of the configuration: what is promised of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from .kinds import Kind

__all__ = ["PREFIX", "Derived", "Key", "option"]

T = TypeVar("T")

PREFIX: Final = "SCOPE_"
"""What the names of our environment variables begin with."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A default that is worked out while loading; ``text`` says how."""

    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the table of keys.

    ``runtime`` tells whether a change reaches a process that is already traced; the others count from its start.
    """

    name: str
    kind: Kind[Any]
    default: object
    help: str
    runtime: bool

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper().replace(".", "_")

    @property
    def default_text(self) -> str:
        """The default as the reference shows it."""
        return self.default.text if isinstance(self.default, Derived) else self.kind.show(self.default)


def option(kind: Kind[T], default: T | Derived, help: str, *, runtime: bool = False) -> T:
    """A dataclass field that is a key: its type, default and meaning, stated once.

    A derived default is none of the dataclass's: such a field has to be given.
    """
    metadata = {"key": (kind, default, help, runtime)}
    if isinstance(default, Derived):
        return cast("T", field(metadata=metadata))
    return field(default=default, metadata=metadata)
