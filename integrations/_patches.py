"""Attributes replaced on other people's objects, and the way back."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["Patches"]

_ABSENT: Final = object()


class Patches:
    """What an integration changed; :meth:`undo` leaves everything as it was found.

    Modules and classes, which live as long as the process, are changed with :meth:`replace`. Objects of the application
    (stacks, routes) are changed by whoever meets them first, who leaves the way back with :meth:`remember`; they are
    held weakly, so that a traced application is collected like any other.
    """

    def __init__(self) -> None:
        self._replaced: list[tuple[type | ModuleType, str, object]] = []
        self._met: dict[int, tuple[weakref.ref[Any], Callable[[Any], None]]] = {}

    def replace(self, owner: type | ModuleType, name: str, make: Callable[[Any], object]) -> None:
        """Set ``owner.name`` to ``make(what it is now)``; AttributeError when it is nothing."""
        original = getattr(owner, name)
        self._replaced.append((owner, name, vars(owner).get(name, _ABSENT)))
        setattr(owner, name, make(original))

    def add(self, owner: type, name: str, value: object) -> None:
        """Set ``owner.name``, which does not exist: what its instances have until they are met."""
        self._replaced.append((owner, name, _ABSENT))
        setattr(owner, name, value)

    def remember(self, met: object, undo: Callable[[Any], None]) -> None:
        """Have ``undo(met)`` called by :meth:`undo` if ``met`` still lives then; ``undo`` must not hold it.

        TypeError when ``met`` cannot be referred to weakly.
        """
        reference = weakref.ref(met, lambda gone: self._met.pop(id(gone), None) and None)
        self._met[id(reference)] = (reference, undo)

    def undo(self) -> None:
        """Restore everything, last change first; calling it again does nothing."""
        while self._met:
            reference, restore = self._met.popitem()[1]
            met = reference()
            if met is not None:
                restore(met)
        while self._replaced:
            owner, name, original = self._replaced.pop()
            if original is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
