"""Functions of modules that are imported already get the code that they would have got by an import, and lose it again.

A function's code can be exchanged while it runs: calls that are under way end with the code they began with. The new
code has the same free variables, because it comes of the same source. That it does is checked: the source is compiled
as it is, too, and a function whose code is not what came of it is left alone. Every live function is looked at, so it
does not matter by what it is held: a decorator, a closure, a table of callbacks.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

from .binding import Planned, bind
from .compiling import Refused, compile_plain, compile_source, stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

    from ..plan import Plan

Place = tuple[str, int]
"""Where a code object comes from: qualified name and first line."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The codes of one module, as they are and as the Plan wants them; ``planned`` is the module's whole."""

    planned: Planned
    pairs: tuple[tuple[CodeType, CodeType], ...]

    def by_place(self) -> dict[Place, list[tuple[CodeType, CodeType]]]:
        found: dict[Place, list[tuple[CodeType, CodeType]]] = {}
        for plain, probed in self.pairs:
            found.setdefault(_place(plain), []).append((plain, probed))
        return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of functions: how many were exchanged, and the reasons for those that were not."""

    exchanged: int
    refused: tuple[str, ...] = field(default=())


def prepare(plan: Plan, module: ModuleType, before: Planned | None = None) -> Exchange | None:
    """The exchange for a module; None where nothing changes.

    ``before`` is what it was imported with, or was given since; None: the code of a plain import. Raises Refused,
    OSError, and SyntaxError or ValueError where what is in its file now cannot be compiled.
    """
    name, file = module.__name__, module.__file__
    assert file is not None
    stamp = stamp_of(file)
    if before is not None and before.stamp != stamp:
        raise Refused("its source has changed since it was imported")
    with open(file, "rb") as stream:
        source = stream.read()
    planned = compile_source(plan, name, file, source)
    plain = compile_plain(source, file)
    if planned is None and before is None:
        return None
    code = plain if planned is None else bind(planned, name)
    pairs = _pairs(plain if before is None else before.code, code)
    changed = tuple((old, new) for old, new in pairs if old != new)
    return Exchange(Planned(code, stamp), changed) if changed else None


def apply(exchanges: Iterable[tuple[ModuleType, Exchange]]) -> Outcome:
    """Give every live function of these modules its planned code."""
    wanted = {id(vars(module)): exchange.by_place() for module, exchange in exchanges}
    count, refused = 0, list[str]()
    for function in live_functions():
        places = wanted.get(id(function.__globals__))
        pairs = places.get(_place(function.__code__), []) if places else []
        if not pairs or any(function.__code__ is probed for _, probed in pairs):
            continue
        probed = next((probed for plain, probed in pairs if plain == function.__code__), None)
        if probed is None:
            refused.append(
                f"{function.__module__}.{function.__qualname__}: its source has changed since it was imported"
            )
        else:
            function.__code__ = probed
            count += 1
    return Outcome(count, tuple(refused))


def undo(exchanges: Sequence[Exchange]) -> int:
    """Give functions that have planned code their plain one, also those that were made meanwhile; how many had."""
    if not exchanges:
        return 0
    plain_of = {id(probed): plain for exchange in exchanges for plain, probed in exchange.pairs}
    probed_functions = [function for function in live_functions() if id(function.__code__) in plain_of]
    for function in probed_functions:
        function.__code__ = plain_of[id(function.__code__)]
    return len(probed_functions)


def live_functions() -> Iterator[FunctionType]:
    """Those that are in use anywhere, whoever holds them."""
    return (each for each in gc.get_objects() if type(each) is FunctionType)


def _place(code: CodeType) -> Place:
    return code.co_qualname, code.co_firstlineno


def _pairs(plain: CodeType, probed: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Each code object within, as it is and as it is planned: they are nested alike."""
    inner = [const for const in plain.co_consts if isinstance(const, CodeType)]
    other = [const for const in probed.co_consts if isinstance(const, CodeType)]
    if [_place(code) for code in inner] != [_place(code) for code in other]:
        raise Refused(f"{plain.co_filename}: its functions cannot be told apart")
    for each, planned in zip(inner, other, strict=True):
        yield each, planned
        yield from _pairs(each, planned)
