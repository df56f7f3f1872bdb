"""Puts the body of each function that is to be probed into a block that records it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ..plan import Level
from . import nodes
from .captures import arguments_of, mark_results, mark_statements
from .tails import end_apart
from .yields import is_generator, mark_yields

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..plan import Decision

    Function = ast.FunctionDef | ast.AsyncFunctionDef
    Chooser = Callable[[str, Function], Decision]


def transform(tree: ast.Module, decide: Chooser) -> int:
    """Transform in place the functions that ``decide`` wants recorded, by their qualified names; how many these are."""
    found = chosen(tree, decide)
    for node, decision in found:
        probe(node, decision)
    return len(found)


def chosen(tree: ast.Module, decide: Chooser) -> list[tuple[Function, Decision]]:
    """The functions that ``decide`` wants recorded, inner ones first.

    Classes, lambdas and comprehensions are none; functions within them are asked about.
    """
    finder = _Finder(decide)
    finder.visit(tree)
    return finder.found


class _Finder(ast.NodeVisitor):
    def __init__(self, decide: Chooser) -> None:
        self.found: list[tuple[Function, Decision]] = []
        self._decide = decide
        self._prefix = ""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._inside(node, f"{self._prefix}{node.name}.")

    def _function(self, node: Function) -> None:
        qualname = f"{self._prefix}{node.name}"
        self._inside(node, f"{qualname}.<locals>.")
        if decision := self._decide(qualname, node):
            self.found.append((node, decision))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """No statement, so no function, stands in a lambda."""

    def _inside(self, node: ast.ClassDef | Function, prefix: str) -> None:
        before, self._prefix = self._prefix, prefix
        for statement in node.body:
            self.visit(statement)
        self._prefix = before


def probe(function: Function, decision: Decision) -> None:
    """Put the body into a block, below the docstring, which has to come first to be one."""
    first = 1 if ast.get_docstring(function, clean=False) is not None else 0
    body = function.body[first:]
    if decision.deepest >= Level.LOCALS:
        body = mark_statements(function, body, decision)
    is_generating = is_generator(function)
    if is_generating:
        body = mark_yields(body)
    end_apart(body)
    given = None
    if decision.deepest >= Level.VALUES:
        given = arguments_of(function)
        if not (is_generating and isinstance(function, ast.AsyncFunctionDef)):  # which cannot return a value
            body = mark_results(body)
    function.body[first:] = [nodes.block(nodes.probe(decision), body, given)]
