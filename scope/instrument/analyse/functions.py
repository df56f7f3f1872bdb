"""Every function of a code base, with what is worth knowing of it by itself."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ..complexity import complexity, own_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .source import Module

__all__ = ["Def", "Function", "functions_of"]

Def: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Function:
    """``name`` is dotted and whole: module, classes, enclosing functions; ``owner`` that of its class, if it has one.

    ``complexity`` is McCabe's: one more than there are branches. ``nodes`` are what runs when the function does.
    """

    name: str
    module: str
    file: str
    line: int
    end_line: int
    is_async: bool
    is_generator: bool
    complexity: int
    owner: str
    node: Def = field(repr=False, compare=False)
    nodes: tuple[ast.AST, ...] = field(repr=False, compare=False)

    @property
    def qualname(self) -> str:
        """The name within its module, as Python gives it but without ``<locals>``."""
        return self.name.removeprefix(f"{self.module}.")


def functions_of(module: Module) -> Iterator[Function]:
    """In the order of the file, those within others after these."""
    yield from _below(module, module.tree, module.name, "")


def _below(module: Module, node: ast.AST, prefix: str, owner: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}.{child.name}"
            yield _function(module, child, name, owner)
            yield from _below(module, child, name, "")
        elif isinstance(child, ast.ClassDef):
            name = f"{prefix}.{child.name}"
            yield from _below(module, child, name, name)
        elif not isinstance(child, ast.expr):
            yield from _below(module, child, prefix, owner)


def _function(module: Module, node: Def, name: str, owner: str) -> Function:
    nodes = tuple(own_nodes(node))
    return Function(
        name=name,
        module=module.name,
        file=module.file,
        line=node.lineno,
        end_line=node.end_lineno or node.lineno,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        is_generator=any(isinstance(each, ast.Yield | ast.YieldFrom) for each in nodes),
        complexity=complexity(nodes),
        owner=owner,
        node=node,
        nodes=nodes,
    )
