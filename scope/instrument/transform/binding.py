"""Puts probes in the place of what stands in for them in compiled code."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import Final, cast

from ..._core import CATCH, DELEGATE, LINE, LOCALS, RESULT, RESUME, SUSPEND, CodeProbe, define_code
from ..plan import Condition, Level
from . import nodes
from .conditions import conditions

_POINTS: Final = (
    (nodes.SUSPEND, SUSPEND),
    (nodes.RESUME, RESUME),
    (nodes.DELEGATE, DELEGATE),
    (nodes.CATCH, CATCH),
    (nodes.RESULT, RESULT),
    (nodes.LOCALS, LOCALS),
    (nodes.LINE, LINE),
)
_FUNCTION, _COROUTINE, _GENERATOR, _ASYNC_GENERATOR = range(4)


@dataclass(frozen=True, slots=True)
class Planned:
    """A module's code with its probes, and the state of the source that it was made of."""

    code: CodeType
    stamp: tuple[int, int]


def bind(code: CodeType, module: str) -> CodeType:
    """``code``, and all code within it, with the objects that record its calls."""
    constants = tuple(_bound(constant, code, module) for constant in code.co_consts)
    if all(new is old for new, old in zip(constants, code.co_consts, strict=True)):
        return code
    return code.replace(co_consts=constants)


def _bound(constant: object, code: CodeType, module: str) -> object:
    if isinstance(constant, CodeType):
        return bind(constant, module)
    if (decided := nodes.decided(constant)) is not None:
        return probe_of(code, module, decided)
    if not isinstance(constant, tuple):
        return constant
    return next((point for stand_in, point in _POINTS if constant == stand_in), cast("object", constant))


def probe_of(code: CodeType, module: str, decided: nodes.Decided) -> CodeProbe:
    """What records the calls of ``code``, a function of ``module``, as was decided; the same for the same."""
    level, cases = decided
    kind = _kind(code)
    site = _site(module, code.co_qualname, code.co_filename, code.co_firstlineno, kind)
    numbers = tuple((conditions.number(Condition(*parts)), deep) for parts, deep in cases)
    has_values = max([level, *(deep for _, deep in cases)]) >= Level.VALUES
    arguments = _arguments(code) if has_values else ()
    return _made(
        f"{module}.{code.co_qualname}", site, kind in {_GENERATOR, _ASYNC_GENERATOR}, level, numbers, arguments
    )


@cache
def _site(module: str, qualname: str, file: str, line: int, kind: int) -> int:
    """One number for one place, however it is recorded."""
    return define_code(module, qualname, file, line, kind)


@cache
def _made(
    name: str,
    site: int,
    is_generator: bool,  # noqa: FBT001 - as the probe takes it
    level: int,
    cases: tuple[tuple[int, int], ...],
    arguments: tuple[str, ...],
) -> CodeProbe:
    """One probe for one decision, however often a module is compiled: equal decisions make equal code."""
    return CodeProbe(name, site, is_generator, level, cases, arguments)


def _arguments(code: CodeType) -> tuple[str, ...]:
    """Their names, in the order of :func:`.captures.arguments_of`."""
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_varnames[:count]


def _kind(code: CodeType) -> int:
    if code.co_flags & inspect.CO_COROUTINE:
        return _COROUTINE
    if code.co_flags & inspect.CO_GENERATOR:
        return _GENERATOR
    return _ASYNC_GENERATOR if code.co_flags & inspect.CO_ASYNC_GENERATOR else _FUNCTION
