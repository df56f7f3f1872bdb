"""The rules: each looks through the calls or the bodies of functions, and tells what it finds."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from .blocking import blocking
from .findings import DEEPEST, Severity, finding_in, short_way
from .queries import Queries
from .silence import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .calls import Call, Calls
    from .findings import Finding
    from .functions import Function
    from .names import Names

__all__ = ["find"]

_BRANCHES_MEDIUM: Final = 15
_BRANCHES_HIGH: Final = 30
_COROUTINES: Final = frozenset(
    {"asyncio.sleep", "asyncio.wait_for", "asyncio.wait", "asyncio.to_thread", "anyio.sleep"}
)
_SPAWNING: Final = frozenset({"asyncio.create_task", "asyncio.ensure_future"})


def find(calls: Calls, names: Names) -> Iterator[Finding]:
    """Everything that any rule finds, in no particular order."""
    queries = Queries(calls)
    for function in calls.functions.values():
        for rule in _ON_CALLS:
            yield from rule(function, calls)
        yield from queries.in_loops(function)
        yield from swallowed(function, names.at(function))
        yield from _complexity(function)


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
            severity = None if call.awaited or _never_waits(call) else blocking(call.callee)
            if severity is not None:
                yield finding_in("blocking-call", severity, here, call.line, _blocking_message(call, path, calls), path)
            target = calls.target(call)
            if target and _runs_here(call, target) and target.name not in seen and len(path) < DEEPEST:
                seen.add(target.name)
                waiting.append((*path, target.name))


def _never_waits(call: Call) -> bool:
    """Whether a lock or a queue is told not to wait: ``blocking=False``, ``block=False``, ``timeout=0``."""
    refused = (
        isinstance(each.value, ast.Constant) and not each.value.value and each.value.value is not None
        for each in call.node.keywords
        if each.arg in {"blocking", "block", "timeout"}
    )
    first = call.node.args[0] if call.method == "acquire" and call.node.args else None
    return any(refused) or (isinstance(first, ast.Constant) and first.value is False)


def _runs_here(call: Call, target: Function) -> bool:
    """Whether the body of ``target`` runs before the call is over; a decorator may make it run elsewhere."""
    return not target.is_async and not (call.awaited and target.node.decorator_list)


def _blocking_message(call: Call, path: Sequence[str], calls: Calls) -> str:
    root = calls.functions[path[0]].qualname
    called = call.callee.removeprefix("builtins.")
    by = "" if len(path) == 1 else f", reached by {short_way([calls.functions[each].qualname for each in path])}"
    return f"{called} holds the event loop in async {root}{by}"


# --- coroutines and tasks -------------------------------------------------------------------------------------------


def _missing_awaits(function: Function, calls: Calls) -> Iterator[Finding]:
    for call in calls.of(function.name):
        target = calls.functions.get(call.callee)
        is_coroutine = call.callee in _COROUTINES or (target and target.is_async and not target.is_generator)
        if call.discarded and not call.awaited and is_coroutine:
            yield finding_in(
                "missing-await", Severity.HIGH, function, call.line, f"{call.callee} is called, not awaited"
            )


def _unkept_tasks(function: Function, calls: Calls) -> Iterator[Finding]:
    for call in calls.of(function.name):
        if call.discarded and (call.callee in _SPAWNING or (call.method == "create_task" and call.receiver == "loop")):
            yield finding_in(
                "unkept-task", Severity.LOW, function, call.line, f"nobody keeps the task of {call.method}"
            )


_ON_CALLS: Final[tuple[Callable[[Function, Calls], Iterator[Finding]], ...]] = (
    _blocking,
    _missing_awaits,
    _unkept_tasks,
)


# --- bodies ---------------------------------------------------------------------------------------------------------


def _complexity(function: Function) -> Iterator[Finding]:
    count = function.complexity
    if count > _BRANCHES_MEDIUM:
        severity = Severity.MEDIUM if count > _BRANCHES_HIGH else Severity.LOW
        yield finding_in("complexity", severity, function, function.line, f"{count} ways through {function.qualname}")
