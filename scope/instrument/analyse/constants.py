"""Text that is known without running anything: literals, and the names and class attributes that hold them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .names import Place
    from .source import Module

__all__ = ["Constants"]


class Constants:
    """The text values of a code base, by dotted name."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._texts: dict[str, str] = {}
        for module in modules:
            self._texts.update(_texts(module.tree.body, module.name))

    def text(self, node: ast.expr | None, place: Place) -> str | None:
        """The text that ``node`` gives; what is put into an f-string and not known stands there as ``{...}``."""
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=values):
                return "".join(self._part(each, place) for each in values)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                first, second = self.text(left, place), self.text(right, place)
                return None if first is None or second is None else first + second
            case ast.Name(id=name):
                return self._texts.get(place.path_of(name))
            case ast.Attribute(attr=attribute, value=value):
                return self._texts.get(f"{place.resolve(value)}.{attribute}")
            case _:
                return None

    def _part(self, node: ast.expr, place: Place) -> str:
        text = self.text(node.value if isinstance(node, ast.FormattedValue) else node, place)
        return "{...}" if text is None else text


def _texts(body: Iterable[ast.stmt], prefix: str) -> Iterator[tuple[str, str]]:
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield f"{prefix}.{name}", text
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                yield f"{prefix}.{name}", text
            case ast.ClassDef(name=name, body=inside):
                yield from _texts(inside, f"{prefix}.{name}")
            case _:
                pass
