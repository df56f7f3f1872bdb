"""How many ways lead through a function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["complexity", "own_nodes"]

_BRANCHES: Final = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.IfExp,
    ast.comprehension,
    ast.match_case,
)


def own_nodes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """What runs when the function does: not the bodies of functions, classes and lambdas within it."""
    stack: list[ast.AST] = list(reversed(function.body))
    while stack:
        at = stack.pop()
        yield at
        if isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            stack.extend(reversed(at.decorator_list))
        elif not isinstance(at, ast.Lambda):
            stack.extend(reversed(list(ast.iter_child_nodes(at))))


def complexity(nodes: Iterable[ast.AST]) -> int:
    """McCabe's number of a function of these nodes: one more than there are branches.

    Each operand of ``and`` and ``or`` but the first is one.
    """
    return 1 + sum(map(_branches, nodes))


def _branches(node: ast.AST) -> int:
    if isinstance(node, _BRANCHES):
        return 1
    return len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0
