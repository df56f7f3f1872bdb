"""Who calls whom, as far as names tell."""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .functions import Function
    from .names import Names, Place

__all__ = ["Call", "Calls"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call in ``caller``: of ``callee``, a dotted name or, where none is known, ``""``; ``method`` is its last part.

    ``loops`` counts the loops around it. ``receiver`` is the name before the method: ``db`` in ``self.db.execute``.
    """

    caller: str
    callee: str
    method: str
    receiver: str
    line: int
    loops: int
    awaited: bool
    discarded: bool
    node: ast.Call


class Calls:
    """The calls of every function, and the functions of the code base that they lead to."""

    def __init__(self, functions: Sequence[Function], names: Names) -> None:
        self.functions: Mapping[str, Function] = {each.name: each for each in functions}
        self._by_caller: dict[str, list[Call]] = {}
        for function in functions:
            place = names.at(function)
            self._by_caller[function.name] = list(_calls(function, place, self.functions))

    def of(self, function: str) -> Sequence[Call]:
        return self._by_caller.get(function, ())

    def target(self, call: Call) -> Function | None:
        """The function that is called: of a class its ``__init__``, where it is of this code base."""
        return self.functions.get(call.callee) or self.functions.get(f"{call.callee}.__init__")

    def reachable(self, roots: Iterable[str]) -> Mapping[str, str]:
        """Every function that ``roots`` lead to, roots included, each with the one by which it was reached first."""
        found: dict[str, str] = {}
        queue = deque((root, "") for root in roots if root in self.functions)
        while queue:
            name, by = queue.popleft()
            if name in found:
                continue
            found[name] = by
            for call in self.of(name):
                target = self.target(call)
                if target is not None and target.name not in found:
                    queue.append((target.name, name))
        return found


def _calls(function: Function, place: Place, functions: Mapping[str, Function]) -> Iterator[Call]:
    for node, loops, awaited, discarded in _walk(function.node):
        callee = _local(function, node.func, functions) or place.resolve(node.func) or ""
        method, receiver = _words(node.func)
        yield Call(function.name, callee, method, receiver, node.lineno, loops, awaited, discarded, node)


def _local(function: Function, called: ast.expr, functions: Mapping[str, Function]) -> str | None:
    """A function defined within this one, or beside it within another."""
    if not isinstance(called, ast.Name):
        return None
    prefix = function.name
    while prefix != function.module and "." in prefix:
        if (name := f"{prefix}.{called.id}") in functions and prefix != function.owner:
            return name
        prefix = prefix.rpartition(".")[0]
    return None


def _words(called: ast.expr) -> tuple[str, str]:
    match called:
        case ast.Name(id=name):
            return name, ""
        case ast.Attribute(attr=method, value=ast.Name(id=receiver) | ast.Attribute(attr=receiver)):
            return method, receiver
        case ast.Attribute(attr=method):
            return method, ""
        case _:
            return "", ""


def _walk(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[ast.Call, int, bool, bool]]:
    """Calls that run when the function does: the loops around them, whether awaited, whether nobody has the result."""
    stack: list[tuple[ast.AST, int, bool, bool]] = [(each, 0, False, False) for each in reversed(function.body)]
    while stack:
        node, loops, awaited, discarded = stack.pop()
        if isinstance(node, ast.Call):
            yield node, loops, awaited, discarded
        below = [(child, loops + more, *_role(node)) for child, more in _children(node)]
        stack.extend(reversed(below))


def _role(parent: ast.AST) -> tuple[bool, bool]:
    return isinstance(parent, ast.Await), isinstance(parent, ast.Expr)


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    """What is evaluated in ``node``, each with the number of loops that ``node`` puts around it."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield from ((each, 0) for each in node.decorator_list)
        case ast.Lambda():
            return
        case ast.For() | ast.AsyncFor():
            yield node.iter, 0
            yield from ((each, 1) for each in node.body)
            yield from ((each, 0) for each in node.orelse)
        case ast.While():
            yield node.test, 1
            yield from ((each, 1) for each in node.body)
            yield from ((each, 0) for each in node.orelse)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            yield from _comprehension(node)
        case _:
            yield from ((each, 0) for each in ast.iter_child_nodes(node))


def _comprehension(node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Iterator[tuple[ast.AST, int]]:
    depth = 0
    for generator in node.generators:
        yield generator.iter, depth
        depth += 1
        yield from ((test, depth) for test in generator.ifs)
    values = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
    yield from ((value, depth) for value in values)
