"""What FastAPI calls for a handler before it: the functions named in ``Depends`` and ``Security``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .functions import Function
    from .names import Names, Place
    from .source import Module

__all__ = ["Dependencies"]

_MARKERS: Final = frozenset({"Depends", "Security"})


class Dependencies:
    """The dependencies of functions, also those that an alias (``SessionDep = Annotated[...]``) stands for."""

    def __init__(self, modules: list[Module], names: Names) -> None:
        self._names = names
        self._aliases: dict[str, list[str]] = {}
        for module in modules:
            place = names.in_module(module.name)
            for node in module.tree.body:
                match node:
                    case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript() as value):
                        if found := list(_marked(value, place)):
                            self._aliases[f"{module.name}.{name}"] = found
                    case _:
                        pass

    def of(self, function: Function) -> Iterator[str]:
        """Dotted names of what is called before ``function``."""
        place = self._names.in_module(function.module)
        arguments = function.node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            yield from self._annotated(argument.annotation, place)
        for default in (*arguments.defaults, *arguments.kw_defaults, *function.node.decorator_list):
            if default is not None:
                yield from _marked(default, place)

    def _annotated(self, annotation: ast.expr | None, place: Place) -> Iterator[str]:
        if annotation is None:
            return
        yield from self._aliases.get(place.path(annotation) or "", ())
        yield from _marked(annotation, place)


def _marked(node: ast.expr, place: Place) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and each.args and _last(each.func) in _MARKERS:
            name = place.resolve(each.args[0])
            if name is not None:
                yield name


def _last(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
