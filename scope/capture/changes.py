"""``watch``: records what happens to attributes of one object, or of all instances of a class.

A class gets a ``__setattr__`` and a ``__delattr__`` that do what was done before, then tell of it. They are the class's
own for as long as somebody watches; instances, their type and what they hold stay as they are.
"""

from __future__ import annotations

import inspect
import logging
import weakref
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

from .._core import current_request, mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

logger = logging.getLogger("scope")

_ABSENT: Final = object()
_METHODS: Final = ("__setattr__", "__delattr__")


def watch(target: object, /, *names: str) -> Watch:
    """Record, within requests, each change of an attribute of ``target``: an object, or a class for all its instances.

    ``names`` are the attributes; all, where none is named. A change is a mark within the current span, called
    ``Class.attribute``, with the new value and under ``scope.before`` the old one, both masked as attributes of spans
    are. A value put in its own place is none. It ends with :meth:`Watch.stop`, a ``with`` block, or with the object.

    Raises TypeError for what has a class that cannot be changed, such as a list.
    """
    return Watch(target, names)


class Watch:
    """What is watched, until it is stopped."""

    def __init__(self, target: object, names: tuple[str, ...]) -> None:
        self._class: Any = target if isinstance(target, type) else type(target)
        self._names = frozenset(names)
        self._object: Callable[[], object] | None = None if isinstance(target, type) else self._held(target)
        self._is_stopped = False
        self._setters = [_Setter(self._class, method, self._tells_of) for method in _METHODS]

    def stop(self) -> None:
        """Record no more changes; the class has its own methods again. May be called again."""
        if not self._is_stopped:
            self._is_stopped = True
            for setter in self._setters:
                setter.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _held(self, target: object) -> Callable[[], object]:
        try:
            return weakref.ref(target, lambda _: self.stop())
        except TypeError:  # one that cannot be referred to weakly is kept until the end
            return lambda: target

    def _tells_of(self, changed: object, name: str) -> bool:
        if self._is_stopped or (self._names and name not in self._names):
            return False
        return self._object is None or self._object() is changed


class _Setter:
    """One of the two methods in the class, and what was there before."""

    def __init__(self, owner: Any, method: str, tells_of: Callable[[object, str], bool]) -> None:
        self._owner = owner
        self._method = method
        self._tells_of: Callable[[object, str], bool] | None = tells_of
        self._before: Callable[..., None] | None = _own(owner, method)
        self._ours = self._made()
        try:
            setattr(owner, method, self._ours)
        except (TypeError, AttributeError) as error:
            raise TypeError(f"watch() cannot tell of attributes of {owner.__qualname__}: {error}") from None

    def remove(self) -> None:
        """Put back what was there, unless somebody else has put something over it; then it only passes on."""
        self._tells_of = None
        if _own(self._owner, self._method) is not self._ours:
            return
        before = self._before
        while (setter := _setter_of(before)) is not None and setter.is_removed:  # one over which this was put
            before = setter.before
        if before is None:
            delattr(self._owner, self._method)
        else:
            setattr(self._owner, self._method, before)

    @property
    def is_removed(self) -> bool:
        return self._tells_of is None

    @property
    def before(self) -> Callable[..., None] | None:
        """The class's own method when this was put over it; None: an inherited one was used."""
        return self._before

    def _made(self) -> Callable[..., None]:
        def change(changed: object, name: str, *value: object) -> None:
            if self._tells_of is None or current_request() is None or not self._tells_of(changed, name):
                self._do(changed, name, *value)
                return
            old = _stored(changed, name)
            self._do(changed, name, *value)
            _tell(changed, name, old, *value)

        vars(change)["scope_setter"] = self
        change.__name__ = self._method
        change.__qualname__ = f"{self._owner.__qualname__}.{self._method}"
        return change

    def _do(self, changed: object, *what: object) -> None:
        if self._before is None:
            owner: type = self._owner
            # pyright has no type for what is inherited by a class that it does not know
            getattr(super(owner, changed), self._method)(*what)  # pyright: ignore[reportUnknownArgumentType]
        else:
            self._before(changed, *what)


def _own(owner: type, name: str) -> Any:
    """What the class has itself, without what it inherits."""
    return owner.__dict__.get(name)


def _setter_of(method: object) -> _Setter | None:
    setter = getattr(method, "scope_setter", None)
    return setter if isinstance(setter, _Setter) else None


def _stored(changed: object, name: str) -> object:
    """The value that the attribute has, found without running anything of the application's."""
    try:
        found: object = inspect.getattr_static(changed, name, _ABSENT)
        if isinstance(found, MemberDescriptorType):  # of __slots__
            return found.__get__(changed, type(changed))
    except AttributeError:
        return _ABSENT
    except Exception:
        logger.exception("scope: what %s was before is not recorded", name)
        return _ABSENT
    return _ABSENT if isinstance(found, GetSetDescriptorType) or hasattr(type(found), "__get__") else found


def _tell(changed: object, name: str, old: object, *value: object) -> None:
    if value and value[0] is old:
        return
    told: dict[str, object] = {name: value[0]} if value else {"scope.deleted": name}
    if old is not _ABSENT:
        told["scope.before"] = {name: old}
    mark(f"{type(changed).__name__}.{name}", **told)
