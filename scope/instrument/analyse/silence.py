"""The rule that finds exceptions that nobody learns of."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from .findings import Severity, finding_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from .findings import Finding
    from .functions import Function
    from .names import Place

__all__ = ["swallowed"]

_BROAD: Final = frozenset({"builtins.Exception", "builtins.BaseException"})
_CANCELLED: Final = frozenset({"asyncio.CancelledError", "asyncio.exceptions.CancelledError", "builtins.BaseException"})


def swallowed(function: Function, place: Place) -> Iterator[Finding]:
    for node, handler in _silent_handlers(function):
        caught = _caught(handler, place)
        cancels = function.is_async and bool(_CANCELLED & caught)
        if not cancels and not _BROAD & caught:
            continue
        if cancels and _only_awaits(node.body) and "builtins.BaseException" not in caught:
            continue  # what one does with a task that was cancelled
        what = ", ".join(sorted(name.rpartition(".")[2] for name in caught & (_BROAD | _CANCELLED)))
        more = ", cancellation included" if cancels else ""
        yield finding_in(
            "swallowed-exception",
            _severity_of_silence(function, node, handler, caught),
            function,
            handler.lineno,
            f"{what} is caught and dropped{more}",
        )


def _severity_of_silence(
    function: Function, node: ast.Try | ast.TryStar, handler: ast.ExceptHandler, caught: AbstractSet[str]
) -> Severity:
    """Cancellation that is dropped hurts; not where it is named and the function ends, as the body of a task does."""
    ends = node is function.node.body[-1] or isinstance(handler.body[-1], ast.Return | ast.Break)
    is_meant = "builtins.BaseException" not in caught and ends
    if function.is_async and _CANCELLED & caught and not is_meant and not _only_awaits(node.body):
        return Severity.HIGH
    return Severity.MEDIUM if _BROAD & caught else Severity.LOW


def _silent_handlers(function: Function) -> Iterator[tuple[ast.Try | ast.TryStar, ast.ExceptHandler]]:
    """Handlers that do nothing, each with its ``try``."""
    for node in function.nodes:
        if isinstance(node, ast.Try | ast.TryStar):
            for handler in node.handlers:
                if all(_does_nothing(each) for each in handler.body):
                    yield node, handler


def _only_awaits(body: Sequence[ast.stmt]) -> bool:
    """Whether nothing happens but that tasks are awaited, some of them if they are there."""
    return all(
        (isinstance(each, ast.If) and _only_awaits([*each.body, *each.orelse]))
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Await))
        for each in body
    )


def _caught(handler: ast.ExceptHandler, place: Place) -> set[str]:
    if handler.type is None:
        return {"builtins.BaseException"}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {name for name in map(place.resolve, kinds) if name}


def _does_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Continue() | ast.Break():
            return True
        case ast.Expr(value=ast.Constant()) | ast.Return(value=None | ast.Constant()):
            return True
        case _:
            return False
