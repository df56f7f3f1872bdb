"""Which functions of a module a Plan chose, by where they stand in its source; parsed once, then kept."""

from __future__ import annotations

import ast
from types import CodeType
from typing import TYPE_CHECKING

from ..transform.candidates import chooser
from ..transform.compiling import stamp_of
from ..transform.functions import chosen
from ..transform.nodes import in_constants

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..plan import Plan
    from ..transform.cache import CodeCache
    from ..transform.functions import Function
    from ..transform.nodes import Decided

    Place = tuple[int, str]
    """First line, which is that of the first decorator, and name. No two functions begin in one line."""
    Places = Mapping[Place, Decided]
    """What was decided of the functions that are recorded."""


def places_of(plan: Plan, cache: CodeCache | None, module: str, file: str) -> Places:
    """Raises OSError where ``file`` cannot be read, SyntaxError or ValueError where it cannot be parsed."""
    key = (module, file, *stamp_of(file))
    if cache is not None and (found := cache.get_places(key)) is not None:
        return found
    with open(file, "rb") as stream:
        source = stream.read()
    places = places_in(plan, module, file, source)
    if cache is not None:
        cache.put(key, places)
    return places


def places_in(plan: Plan, module: str, file: str, source: bytes) -> dict[Place, Decided]:
    """As :func:`places_of`, of ``source``."""
    tree = ast.parse(source, file)
    found = chosen(tree, chooser(plan, module, file, source))
    return {(_first_line(node), node.name): in_constants(decision) for node, decision in found}


def deepest(places: Places) -> int:
    """The deepest level that a function is to be recorded at, in some request; 0 where none is."""
    return max((max([level, *(deep for _, deep in cases)]) for level, cases in places.values()), default=0)


def place_of(code: CodeType) -> Place:
    return code.co_firstlineno, code.co_name


def every_code(code: CodeType) -> Iterator[CodeType]:
    """``code`` and all within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from every_code(constant)


def _first_line(node: Function) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])
