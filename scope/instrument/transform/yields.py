"""Where a generator is suspended: there its span is nobody's current one."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeVar

from .nodes import CATCH, DELEGATE, RESUME, SUSPEND, block, none, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = TypeVar("Node", bound=ast.AST)
Block = ast.Try | ast.TryStar | ast.With | ast.AsyncWith
Statement = ast.Expr | ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Raise | ast.Assert | ast.Delete


def is_generator(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own_nodes(function))


def _own_nodes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """What runs in the function's own frame."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [*node.decorator_list, node.args]
        elif isinstance(node, ast.ClassDef):
            pending += [*node.decorator_list, *node.bases, *node.keywords]
        elif isinstance(node, ast.Lambda):
            pending.append(node.args)
        else:
            pending += ast.iter_child_nodes(node)


def mark_yields(body: list[ast.stmt]) -> list[ast.stmt]:
    """The body of a generator function with every yield marked; those of functions within it are their own."""
    marker = _Marker()
    return [marker.visit(statement) for statement in body]


class _Marker(ast.NodeTransformer):
    """Visits what runs in one frame.

    An exception that is thrown in at a yield passes what would resume the span; only where a block around the yield may
    handle it does that matter, and there the statement is put into a block that resumes it. Of statements that have
    statements within, the head is not: an exception thrown in there is handled as the caller's.
    """

    def __init__(self) -> None:
        self._blocks = 0
        self._has_yielded = False

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        self.generic_visit(node)
        self._has_yielded = True
        node.value = passed(SUSPEND, node.value or none())
        return passed(RESUME, node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        self.generic_visit(node)
        self._has_yielded = True
        node.value = passed(DELEGATE, node.value)
        return passed(RESUME, node)

    def _block(self, node: Block) -> ast.AST:
        self._blocks += 1
        self.generic_visit(node)
        self._blocks -= 1
        return node

    visit_Try = visit_TryStar = visit_With = visit_AsyncWith = _block

    def _simple(self, node: Statement) -> ast.AST:
        self._has_yielded = False
        self.generic_visit(node)
        return block(CATCH, [node]) if self._has_yielded and self._blocks else node

    visit_Expr = visit_Assign = visit_AugAssign = visit_AnnAssign = _simple
    visit_Return = visit_Raise = visit_Assert = visit_Delete = _simple

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.args = self.visit(node.args)
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.args = self.visit(node.args)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for parts in (node.decorator_list, node.bases, node.keywords):
            parts[:] = [self.visit(part) for part in parts]
        return node
