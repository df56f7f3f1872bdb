"""The rule that finds queries and outgoing requests in loops."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from .findings import DEEPEST, Severity, finding_in, short_way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .calls import Call, Calls
    from .findings import Finding
    from .functions import Function

__all__ = ["Queries"]

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


class Queries:
    """Where the functions of a code base make queries, themselves or by the functions that they call.

    Found backwards from the queries, so that it takes no longer than there are calls.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._towards: dict[str, Call] = {}
        callers: dict[str, list[Call]] = {}
        for call in (each for name in calls.functions for each in calls.of(name)):
            target = calls.target(call)
            if _is_query(call):
                self._towards.setdefault(call.caller, call)
            elif target is not None:
                callers.setdefault(target.name, []).append(call)
        waiting = deque(self._towards)
        while waiting:
            for call in callers.get(waiting.popleft(), ()):
                if call.caller not in self._towards:
                    self._towards[call.caller] = call
                    waiting.append(call.caller)

    def in_loops(self, function: Function) -> Iterator[Finding]:
        """Calls in loops of ``function`` that are queries, or lead to one."""
        for call in self._calls.of(function.name):
            path = self._way(call) if call.loops else ()
            if path:
                severity = Severity.HIGH if call.loops > 1 or len(path) == 1 else Severity.MEDIUM
                message = f"{short_way(path)} once for every item of a loop"
                yield finding_in("query-in-loop", severity, function, call.line, message)

    def _way(self, call: Call) -> tuple[str, ...]:
        """What is called, one after the other, down to the query; empty where none is known, or a long way down."""
        path: list[str] = []
        while not _is_query(call):
            target = self._calls.target(call)
            if target is None or target.name not in self._towards or len(path) == DEEPEST:
                return ()
            path.append(target.qualname)
            call = self._towards[target.name]
        return (*path, ".".join(filter(None, (call.receiver, call.method))))


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
