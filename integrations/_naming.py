"""What spans are called that stand for somebody's callable."""

from __future__ import annotations

from functools import partial
from types import FunctionType
from typing import Any, Final

__all__ = ["factory_of", "name_of"]

_LOCAL: Final = ".<locals>."


def name_of(target: Any) -> str:
    """The qualified name of a function, method or class, or of an instance's class, without the functions around it."""
    while isinstance(target, partial):
        target = target.func
    name = getattr(target, "__qualname__", None)
    if not isinstance(name, str):
        name = type(target).__qualname__
    return name.rpartition(_LOCAL)[2]


def factory_of(target: Any) -> str:
    """As :func:`name_of`; of a function made by a function, the name of its maker, which is what people wrote."""
    parts = target.__qualname__.split(_LOCAL) if isinstance(target, FunctionType) else []
    return parts[-2] if len(parts) > 1 else name_of(target)
