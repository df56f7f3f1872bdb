"""Where values of a recorded function are seen: as it is entered, at its statements, and where it returns.

Nothing of it has an effect on the function. What is added reads arguments and results, each evaluated as before, and
numbers; the local variables are read from the frame.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ..plan import Level
from .nodes import LINE, LOCALS, NOWHERE, RESULT, none, number, passed

if TYPE_CHECKING:
    from ..plan import Decision
    from .functions import Function


def arguments_of(function: Function) -> ast.Tuple:
    """``(a, b, args, kwargs)``, in the order of ``co_varnames``."""
    given = function.args
    found = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    found += [each for each in (given.vararg, given.kwarg) if each is not None]
    names: list[ast.expr] = [ast.Name(each.arg, ast.Load(), **NOWHERE) for each in found]
    return ast.Tuple(names, ast.Load(), **NOWHERE)


def mark_results(body: list[ast.stmt]) -> list[ast.stmt]:
    """Have what the function returns seen; those of functions within it are their own."""
    marker = _Results()
    return [marker.visit(statement) for statement in body]


class _Results(ast.NodeTransformer):
    def visit_Return(self, node: ast.Return) -> ast.Return:
        value = node.value or ast.copy_location(none(), node)
        # Of an operation NotImplemented would be no result, so it gives a tuple of the value.
        seen = ast.Subscript(ast.copy_location(passed(RESULT, value), value), number(0), ast.Load(), **NOWHERE)
        node.value = ast.copy_location(seen, value)
        return node

    def _other(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _other


def mark_statements(function: Function, body: list[ast.stmt], decision: Decision) -> list[ast.stmt]:
    """Have statements seen begin in its ``body``, as far as lines or local variables are wanted."""
    last = function.end_lineno or 0
    lines = [line for line in decision.lines if function.lineno <= line <= last]
    return _Statements(lines, each_line=decision.deepest >= Level.LINES).marked(body)


class _Statements:
    """``lines`` are wanted where a statement of the function's own begins there, or else at its next one."""

    def __init__(self, lines: list[int], *, each_line: bool) -> None:
        self._each_line = each_line
        self._wanted = sorted(lines, reverse=True)

    def marked(self, body: list[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for statement in body:
            found += self._before(statement.lineno)
            self._within(statement)
            found.append(statement)
        return found

    def _before(self, line: int) -> list[ast.stmt]:
        points = [LOCALS] * self._passes(line) + [LINE] * self._each_line
        return [ast.Expr(passed(point, number(line)), **NOWHERE) for point in points]

    def _passes(self, line: int) -> bool:
        """Whether some of the lines up to ``line`` were wanted still."""
        before = len(self._wanted)
        while self._wanted and self._wanted[-1] <= line:
            self._wanted.pop()
        return len(self._wanted) < before

    def _within(self, statement: ast.AST) -> None:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._passes(statement.end_lineno or 0)  # they are that one's
            return
        for name in ("body", "handlers", "cases", "orelse", "finalbody"):
            parts: list[Any] = getattr(statement, name, None) or []
            if parts and isinstance(parts[0], ast.stmt):
                setattr(statement, name, self.marked(parts))
            else:
                for part in parts:
                    self._within(part)
