"""Gives code objects the probes that a Plan has for them: of a module before it runs, or of live functions."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING

from ..transform.binding import probe_of
from ..transform.compiling import compile_plain
from ..transform.in_place import live_functions
from .places import deepest, every_code, place_of, places_in
from .tool import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import CodeType, ModuleType

    from ..._core import CodeProbe
    from ..plan import Plan
    from .places import Place, Places
    from .tool import Tool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The functions of an imported module that are to be recorded, and all its code as its source is now.

    ``is_too_deep``: some of them are to be recorded deeper than this engine can, so it is asked for none.
    """

    module: ModuleType
    places: Places
    plain: Mapping[Place, CodeType]
    is_too_deep: bool = False


@dataclass(frozen=True, slots=True)
class Marked:
    """A code object and the probe that it had before; None: none."""

    code: CodeType
    before: CodeProbe | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The code that has now what was wanted, and the reasons for functions that are as they were."""

    marked: tuple[Marked, ...]
    refused: tuple[str, ...]


def mark(tool: Tool, code: CodeType, module: str, places: Places) -> None:
    """Record the planned functions of a module whose code this is."""
    for each in every_code(code):
        if (decided := places.get(place_of(each))) is not None:
            tool.record(each, probe_of(each, module, decided))


def adopt(tool: Tool, module: ModuleType, places: Places) -> None:
    """Record also functions whose code a decorator replaced by a copy of it, as ``types.coroutine`` does."""
    for function in _functions_of(vars(module), module):
        mark(tool, function.__code__, module.__name__, places)


def prepare(plan: Plan, module: ModuleType) -> Wanted:
    """What ``plan`` wants of a module that is imported.

    Raises OSError, and SyntaxError or ValueError where what is in its file now cannot be compiled.
    """
    file = module.__file__
    assert file is not None
    with open(file, "rb") as stream:
        source = stream.read()
    places = places_in(plan, module.__name__, file, source)
    if deepest(places) > DEEPEST:
        return Wanted(module, {}, {}, is_too_deep=True)
    return Wanted(module, places, {place_of(code): code for code in every_code(compile_plain(source, file))})


def apply(tool: Tool, wanted: Iterable[Wanted]) -> Outcome:
    """Record these functions, and no other ones of their modules."""
    by_globals = {id(vars(each.module)): each for each in wanted}
    found, refused = list[Marked](), list[str]()
    for code, each in _live_codes(by_globals):
        decided = each.places.get(place_of(code))
        if decided is not None and each.plain.get(place_of(code)) != code:
            refused.append(f"{each.module.__name__}.{code.co_qualname}: its source has changed since it was imported")
            continue
        probe = None if decided is None else probe_of(code, each.module.__name__, decided)
        found.append(Marked(code, tool.record(code, probe)))
    return Outcome(tuple(found), tuple(refused))


def _functions_of(namespace: Mapping[str, object], module: ModuleType) -> Iterator[FunctionType]:
    """Those of a module or class that are made of the module's source."""
    for each in list(namespace.values()):
        if isinstance(each, FunctionType) and each.__code__.co_filename == module.__file__:
            yield each
        elif isinstance(each, type) and each.__module__ == module.__name__ and vars(each) != namespace:
            yield from _functions_of(vars(each), module)


def _live_codes(by_globals: Mapping[int, Wanted]) -> Iterator[tuple[CodeType, Wanted]]:
    """The code of the modules' functions, and what functions within them are made of."""
    seen = set[int]()
    for function in live_functions():
        wanted = by_globals.get(id(function.__globals__))
        if wanted is None or function.__code__.co_filename != wanted.module.__file__:
            continue
        for code in every_code(function.__code__):
            if id(code) not in seen:
                seen.add(id(code))
                yield code, wanted
