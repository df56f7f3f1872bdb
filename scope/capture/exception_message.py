"""What an exception says, in bounded form: its type's name, its message, and in brief what it was caused by.

The application's own code runs only where its class defines ``__str__`` or an argument is an object of its own. What
that raises becomes part of the message; only KeyboardInterrupt and SystemExit, which a signal may bring, pass on.
"""

from __future__ import annotations

from itertools import islice
from reprlib import Repr
from typing import TYPE_CHECKING, Final, TypeVar, cast

from .._core import redact
from .cut import cut, cut_front

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["guarded", "message_of", "related_to", "type_name"]

T = TypeVar("T")

TYPE_BYTES: Final = 256
RELATED_BYTES: Final = 120
MAX_CAUSES: Final = 3
MAX_MEMBERS: Final = 3
_BEYOND: Final = 256
"""How far behind a cut a secret is looked for, in characters."""


def type_name(error: BaseException) -> str:
    """``package.module.Class``; built-in exceptions without their module."""
    kind = type(error)
    # Through type itself: a metaclass may define both names anew.
    name: object = type.__dict__["__qualname__"].__get__(kind)
    module: object = type.__dict__["__module__"].__get__(kind)
    whole = f"{module}.{name}" if isinstance(module, str) and module != "builtins" else str(name)
    return cut_front(whole, TYPE_BYTES)


def guarded(read: Callable[[], T], default: T) -> T:
    """``default`` where a class of the application's makes ``read`` fail."""
    try:
        return read()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # whatever it is, the one to tell of is another
        return default


def message_of(error: BaseException, size: int) -> str:
    """What ``str(error)`` says, at most ``size`` characters of it.

    Where the class has the built-in ``__str__``, arguments are shown in bounded form, however large they are.
    """
    kind = type(error)
    try:
        if kind.__str__ is KeyError.__str__ and len(error.args) == 1:
            return _repr(error.args[0], size)
        if kind.__str__ is BaseException.__str__:
            return _of_arguments(error.args, size)
        return _plain(str(error), size)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as raised:  # a class of the application's may raise whatever it likes
        return f"<str() raised {type_name(raised)}>"


def _plain(text: str, size: int) -> str:
    """A real string, though a subclass may have slices of its own; what a cut would go through is masked before."""
    seen = str.__getitem__(text, slice(size + _BEYOND))
    return _masked(seen)[: size + 1]


def _masked(text: str) -> str:
    try:
        return redact(text)
    except UnicodeEncodeError:  # a lone surrogate
        return redact(text.encode("utf-8", "replace").decode())


def _of_arguments(args: Sequence[object], size: int) -> str:
    if len(args) != 1:
        return _repr(args, size) if args else ""
    only = args[0]
    return _plain(only, size) if isinstance(only, str) else _text(only, size)


def _text(value: object, size: int) -> str:
    """``str(value)``; a built-in container, whose size is anybody's guess, in bounded form."""
    return _repr(value, size) if type(value).__str__ is object.__str__ else _plain(str(value), size)


class _Shown(Repr):
    """Cuts no text before the secrets in it are masked."""

    def repr_str(self, x: str, level: int) -> str:
        del level
        masked = _masked(str.__getitem__(x, slice(self.maxstring + _BEYOND)))
        is_whole = len(masked) <= self.maxstring and str.__len__(x) <= self.maxstring + _BEYOND
        text = repr(masked[: self.maxstring])
        return text if is_whole else f"{text}..."


def _repr(value: object, size: int) -> str:
    shown = _Shown()
    shown.maxlevel = 3
    shown.maxdict = shown.maxlist = shown.maxtuple = shown.maxset = shown.maxfrozenset = shown.maxdeque = 12
    shown.maxstring = size if isinstance(value, str) else 80
    shown.maxother = size
    return _plain(shown.repr(value), size)


def related_to(error: BaseException) -> str:
    """The members of a group and the causes of an exception, briefly: ``" (caused by KeyError: 'x')"``."""
    inside = "".join(f" [{_brief(member)}]" for member in _members(error)[:MAX_MEMBERS])
    return inside + "".join(f" ({how} {_brief(other)})" for how, other in islice(_causes(error), MAX_CAUSES))


def _members(error: BaseException) -> Sequence[BaseException]:
    return cast("BaseExceptionGroup[BaseException]", error).exceptions if isinstance(error, BaseExceptionGroup) else ()


def _brief(error: BaseException) -> str:
    message = message_of(error, RELATED_BYTES)
    return cut(f"{type_name(error)}: {message}" if message else type_name(error), RELATED_BYTES)


def _causes(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """What raised it and what was being handled, nearest first, as a traceback would show them; each once."""
    seen = {id(error)}
    while True:
        how, other = "caused by", error.__cause__
        if other is None and not error.__suppress_context__:
            how, other = "while handling", error.__context__
        if other is None or id(other) in seen:
            return
        seen.add(id(other))
        yield how, other
        error = other
