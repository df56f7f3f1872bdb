"""The rule that finds queries and outgoing requests in loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .findings import DEEPEST, Severity, finding_in, short_way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .calls import Call, Calls
    from .findings import Finding
    from .functions import Function

__all__ = ["queries_in_loops"]

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
_DATABASES: Final = ("sqlalchemy.", "sqlmodel.", "asyncpg.", "aiosqlite.", "sqlite3.", "psycopg.", "databases.")
_LOADING: Final = frozenset({"get", "stream", "refresh"})
_CLIENTS: Final = ("redis.", "httpx.", "requests.", "aiohttp.ClientSession", "motor.")
_SENDING_MODULES: Final = frozenset({"httpx", "requests"})
_CLIENT_CLASSES: Final = ("Client", "Session", "Connection", "Cursor", "Pool", "Engine", "Redis", "Database")


def queries_in_loops(function: Function, calls: Calls) -> Iterator[Finding]:
    for call in calls.of(function.name):
        if not call.loops:
            continue
        path = _way_to_a_query(call, calls)
        if path:
            severity = Severity.HIGH if call.loops > 1 or len(path) == 1 else Severity.MEDIUM
            what = short_way(path)
            yield finding_in("query-in-loop", severity, function, call.line, f"{what} once for every item of a loop")


def _way_to_a_query(call: Call, calls: Calls) -> tuple[str, ...]:
    """What is called, one after the other, down to the query; empty where none is known."""
    seen: set[str] = set()
    waiting: list[tuple[Call, tuple[str, ...]]] = [(call, ())]
    while waiting:
        at, path = waiting.pop(0)
        if _is_query(at):
            return (*path, ".".join(filter(None, (at.receiver, at.method))))
        target = calls.target(at)
        if target is not None and target.name not in seen and len(path) < DEEPEST:
            seen.add(target.name)
            waiting.extend((each, (*path, target.qualname)) for each in calls.of(target.name))
    return ()


def _is_query(call: Call) -> bool:
    if call.callee.startswith(_DATABASES):
        return call.method in _QUERIES | _LOADING and _sends(call.callee)
    if call.callee.startswith(_CLIENTS):
        return call.method in _SENDING and _sends(call.callee)
    return call.method in _QUERIES and call.receiver.lstrip("_") in _SESSIONS


def _sends(callee: str) -> bool:
    """Functions of a client's module, and methods of the classes that are clients: not of requests, headers, URLs."""
    owner = callee.rpartition(".")[0]
    kind = owner.rpartition(".")[2]
    return owner in _SENDING_MODULES or (kind[:1].isupper() and kind.endswith(_CLIENT_CLASSES))
