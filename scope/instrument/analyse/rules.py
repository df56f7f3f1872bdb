"""The rules: each looks through the calls or the bodies of functions, and tells what it finds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from .blocking import blocking
from .findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .calls import Call, Calls
    from .functions import Function
    from .names import Names, Place

__all__ = ["find"]

_DEEPEST: Final = 12
_SHOWN: Final = 5
_BRANCHES_MEDIUM: Final = 15
_BRANCHES_HIGH: Final = 30
_QUERIES: Final = frozenset(
    {
        *("execute", "scalar", "scalars", "query"),
        *("fetch", "fetchrow", "fetchval", "fetchone", "fetchall", "fetch_one", "fetch_all", "fetch_val"),
    }
)
_SENDING: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "request", "send", "stream"})
_SESSIONS: Final = frozenset(
    {
        *("db", "database", "session", "conn", "connection", "cursor", "cur"),
        *("engine", "tx", "transaction", "pool"),
    }
)
_CLIENTS: Final = (
    "sqlalchemy.",
    "sqlmodel.",
    "asyncpg.",
    "aiosqlite.",
    "sqlite3.",
    "psycopg.",
    "databases.",
    "redis.",
    "httpx.",
    "requests.",
    "aiohttp.ClientSession",
    "motor.",
)
_COROUTINES: Final = frozenset(
    {"asyncio.sleep", "asyncio.wait_for", "asyncio.wait", "asyncio.to_thread", "anyio.sleep"}
)
_SPAWNING: Final = frozenset({"asyncio.create_task", "asyncio.ensure_future"})
_BROAD: Final = frozenset({"builtins.Exception", "builtins.BaseException"})
_CANCELLED: Final = frozenset({"asyncio.CancelledError", "asyncio.exceptions.CancelledError", "builtins.BaseException"})


def find(calls: Calls, names: Names) -> Iterator[Finding]:
    """Everything that any rule finds, in no particular order."""
    for function in calls.functions.values():
        for rule in _ON_CALLS:
            yield from rule(function, calls)
        yield from _swallowed(function, names.at(function))
        yield from _complexity(function)


def _finding(
    rule: str, severity: Severity, function: Function, line: int, message: str, path: Sequence[str] = ()
) -> Finding:
    return Finding(rule, severity, message, function.file, line, function.name, tuple(path))


# --- blocking calls -------------------------------------------------------------------------------------------------


def _blocking(function: Function, calls: Calls) -> Iterator[Finding]:
    """Those that an asynchronous function makes itself or through functions that are not."""
    if not function.is_async:
        return
    seen = {function.name}
    waiting: list[tuple[str, ...]] = [(function.name,)]
    while waiting:
        path = waiting.pop(0)
        here = calls.functions[path[-1]]
        for call in calls.of(here.name):
            severity = None if call.awaited else blocking(call.callee)
            if severity is not None:
                yield _finding("blocking-call", severity, here, call.line, _blocking_message(call, path, calls), path)
            target = calls.target(call)
            if target and not target.is_async and target.name not in seen and len(path) < _DEEPEST:
                seen.add(target.name)
                waiting.append((*path, target.name))


def _blocking_message(call: Call, path: Sequence[str], calls: Calls) -> str:
    root = calls.functions[path[0]].qualname
    called = call.callee.removeprefix("builtins.")
    by = "" if len(path) == 1 else f", reached by {_short([calls.functions[each].qualname for each in path])}"
    return f"{called} holds the event loop in async {root}{by}"


def _short(path: Sequence[str]) -> str:
    """A way through functions; of a long one its ends."""
    shown = path if len(path) <= _SHOWN else (*path[: _SHOWN - 2], "...", path[-1])
    return " -> ".join(shown)


# --- queries in loops -----------------------------------------------------------------------------------------------


def _queries_in_loops(function: Function, calls: Calls) -> Iterator[Finding]:
    for call in calls.of(function.name):
        if not call.loops:
            continue
        path = _way_to_a_query(call, calls)
        if path:
            severity = Severity.HIGH if call.loops > 1 or len(path) == 1 else Severity.MEDIUM
            what = _short(path)
            yield _finding("query-in-loop", severity, function, call.line, f"{what} once for every item of a loop")


def _way_to_a_query(call: Call, calls: Calls) -> tuple[str, ...]:
    """What is called, one after the other, down to the query; empty where none is known."""
    seen: set[str] = set()
    waiting: list[tuple[Call, tuple[str, ...]]] = [(call, ())]
    while waiting:
        at, path = waiting.pop(0)
        if _is_query(at):
            return (*path, ".".join(filter(None, (at.receiver, at.method))))
        target = calls.target(at)
        if target is not None and target.name not in seen and len(path) < _DEEPEST:
            seen.add(target.name)
            waiting.extend((each, (*path, target.qualname)) for each in calls.of(target.name))
    return ()


def _is_query(call: Call) -> bool:
    if call.callee.startswith(_CLIENTS):
        return _sends(call.callee) and call.method in _SENDING | _QUERIES
    return call.method in _QUERIES and call.receiver.lstrip("_") in _SESSIONS


def _sends(callee: str) -> bool:
    """Functions of SQLAlchemy's only make a statement; its classes' methods send it, and so do functions of clients."""
    owner = callee.rpartition(".")[0].rpartition(".")[2]
    return owner[:1].isupper() or not callee.startswith("sqlalchemy.")


# --- coroutines and tasks -------------------------------------------------------------------------------------------


def _missing_awaits(function: Function, calls: Calls) -> Iterator[Finding]:
    for call in calls.of(function.name):
        target = calls.functions.get(call.callee)
        is_coroutine = call.callee in _COROUTINES or (target and target.is_async and not target.is_generator)
        if call.discarded and not call.awaited and is_coroutine:
            yield _finding("missing-await", Severity.HIGH, function, call.line, f"{call.callee} is called, not awaited")


def _unkept_tasks(function: Function, calls: Calls) -> Iterator[Finding]:
    for call in calls.of(function.name):
        if call.discarded and (call.callee in _SPAWNING or (call.method == "create_task" and call.receiver == "loop")):
            yield _finding("unkept-task", Severity.LOW, function, call.line, f"nobody keeps the task of {call.method}")


_ON_CALLS: Final[tuple[Callable[[Function, Calls], Iterator[Finding]], ...]] = (
    _blocking,
    _queries_in_loops,
    _missing_awaits,
    _unkept_tasks,
)


# --- bodies ---------------------------------------------------------------------------------------------------------


def _swallowed(function: Function, place: Place) -> Iterator[Finding]:
    for node in _silent_handlers(function):
        caught = _caught(node, place)
        cancels = function.is_async and bool(_CANCELLED & caught)
        if cancels or _BROAD & caught:
            what = ", ".join(sorted(name.rpartition(".")[2] for name in caught & (_BROAD | _CANCELLED)))
            severity = Severity.HIGH if cancels else Severity.MEDIUM
            more = ", cancellation included" if cancels else ""
            yield _finding(
                "swallowed-exception", severity, function, node.lineno, f"{what} is caught and dropped{more}"
            )


def _silent_handlers(function: Function) -> Iterator[ast.ExceptHandler]:
    """Handlers that do nothing. Where a ``try`` only awaits, as one does a task that was cancelled, it may do so."""
    for node in function.nodes:
        if not isinstance(node, ast.Try | ast.TryStar):
            continue
        awaits = len(node.body) == 1 and isinstance(node.body[0], ast.Expr) and _is_await(node.body[0].value)
        for handler in node.handlers:
            allowed = awaits and _named(handler) == "CancelledError"
            if not allowed and all(_does_nothing(each) for each in handler.body):
                yield handler


def _is_await(node: ast.expr) -> bool:
    return isinstance(node, ast.Await)


def _named(handler: ast.ExceptHandler) -> str:
    match handler.type:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


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


def _complexity(function: Function) -> Iterator[Finding]:
    count = function.complexity
    if count > _BRANCHES_MEDIUM:
        severity = Severity.MEDIUM if count > _BRANCHES_HIGH else Severity.LOW
        yield _finding("complexity", severity, function, function.line, f"{count} ways through {function.qualname}")
