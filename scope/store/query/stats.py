"""What rollups and error groups say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from ..bins import percentiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .archive import Database

__all__ = ["ErrorGroup", "RouteStats", "read_errors", "read_routes"]

_MINUTE_NS: Final = 60_000_000_000
_HOUR_MINUTES: Final = 60
_BY_THE_MINUTE: Final = 24 * _HOUR_MINUTES
"""A span of time longer than this is answered from the rollups by the hour."""


@dataclass(frozen=True, slots=True)
class RouteStats:
    """Finished requests of one endpoint.

    ``rate`` is requests per second of the time asked about. The percentiles are of ``duration_ns``, at most 3.2 % off.
    ``method`` is "*" for those that no standard knows; ``route`` is None where none matched.
    """

    service: str
    kind: str
    method: str
    route: str | None
    count: int
    errors: int
    rate: float
    p50_ns: int
    p95_ns: int
    p99_ns: int
    bytes_in: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Exceptions of one type from one place on one route; ``count`` is of requests in the time asked about.

    ``file``, ``function`` and ``line`` are the innermost frame of the application's own, empty where no stack was
    recorded. ``message`` and ``exemplar``, the id of a request, are the latest's.
    """

    fingerprint: str
    type: str
    file: str
    function: str
    line: int
    route: str | None
    message: str
    count: int
    first_ns: int
    last_ns: int
    exemplar: str


class _Bin(NamedTuple):
    endpoint: int
    bin: int
    requests: int
    failed: int
    bytes_in: float
    bytes_out: float


def read_routes(main: Database, since_ns: int | None, now_ns: int) -> list[RouteStats]:
    """Every endpoint that had requests since then (rounded down to the minute, or the hour), the most first."""
    since = (since_ns or 0) // _MINUTE_NS
    if now_ns // _MINUTE_NS - since <= _BY_THE_MINUTE:
        table, period, first, from_ns = "minutes", "minute", since, since * _MINUTE_NS
    else:
        table, period, first = "hours", "hour", since // _HOUR_MINUTES
        oldest = main.rows("SELECT min(hour) FROM hours")[0][0] or 0
        from_ns = max(first, oldest) * _HOUR_MINUTES * _MINUTE_NS
    rows = main.rows(
        "SELECT endpoint, bin, sum(requests), sum(failed), total(bytes_in), total(bytes_out)"
        f" FROM {table} WHERE {period} >= ? GROUP BY endpoint, bin ORDER BY endpoint",
        (first,),
    )
    by_endpoint: dict[int, list[_Bin]] = {}
    for row in rows:
        by_endpoint.setdefault(row[0], []).append(_Bin(*row))
    seconds = max(now_ns - from_ns, 1) / 1e9
    names = {number: names for number, *names in main.rows("SELECT id, service, kind, method, route FROM endpoints")}
    found = [_route(names[endpoint], bins, seconds) for endpoint, bins in by_endpoint.items()]
    return sorted(found, key=lambda stats: -stats.count)


def _route(names: Sequence[str], bins: Sequence[_Bin], seconds: float) -> RouteStats:
    counts = Counter({each.bin: each.requests for each in bins})
    p50, p95, p99 = percentiles(counts, (0.5, 0.95, 0.99))
    service, kind, method, route = names
    return RouteStats(
        service=service,
        kind=kind,
        method=method,
        route=route,
        count=counts.total(),
        errors=sum(each.failed for each in bins),
        rate=counts.total() / seconds,
        p50_ns=p50,
        p95_ns=p95,
        p99_ns=p99,
        bytes_in=int(sum(each.bytes_in for each in bins)),
        bytes_out=int(sum(each.bytes_out for each in bins)),
    )


def read_errors(main: Database, since_ns: int | None) -> list[ErrorGroup]:
    """Every group seen since then (rounded down to the minute), the most frequent first."""
    rows = main.rows(
        "SELECT fingerprint, type, file, function, line, route, message, sum(requests), first_ns, last_ns, exemplar"
        " FROM fault_minutes JOIN faults USING (fingerprint) WHERE minute >= ?"
        " GROUP BY fingerprint ORDER BY sum(requests) DESC, last_ns DESC",
        ((since_ns or 0) // _MINUTE_NS,),
    )
    return [ErrorGroup(*row) for row in rows]
