"""Tools about single requests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from ...store import Reader, moment, parse
from ..blametext import blame_lines
from ..current import open_object, whereabouts
from ..diff import changed_places, diff_traces
from ..difftext import WORTH_TELLING_NS, place_object
from ..header import header_lines
from ..jsonout import JsonObject, request_object
from ..lines import clip, plain
from ..loop_search import find_blame
from ..reading import SHOWN_AT_MOST
from ..tree import tree_lines
from .parameters import Conditions, Limit, Lines, Reference, Since, Sort

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...config import Config
    from ...model import RequestSummary
    from ..diff import TraceDiff
    from ..lines import Line

__all__ = ["RequestTools"]

_WIDEST: Final = 240
_VALUE_LENGTH: Final = 60
_FIELDS: Final = (
    *("id", "kind", "method", "route", "path", "status", "state", "outcome", "error", "start_ns", "duration_ns"),
    *("loop_wait_ns", "longest_step_ns", "spans", "lost", "service"),
)
_WAY: Final = 8
_MS: Final = 1_000_000


class RequestTools:
    """Over the store that ``config`` names; each call opens it anew, so any thread may make it."""

    def __init__(self, config: Config, clock: Callable[[], int] = time.time_ns) -> None:
        self._config = config
        self._clock = clock

    def search_requests(
        self,
        filter: Conditions = "",
        sort: Sort = "start",
        limit: Limit = 20,
        since: Since = "",
    ) -> JsonObject:
        """List stored requests that meet a filter, the greatest of `sort` first (`start`: the newest).

        `more` says that there are others. Durations are nanoseconds. Begin here to get ids for the other tools.
        """
        with self._store() as store:
            found = store.requests(parse(filter), limit=limit + 1, sort=sort, since_ns=self._since(since))
        return {"requests": [_brief(each) for each in found[:limit]], "more": len(found) > limit}

    def show_request(self, id: Reference, max_lines: Lines = 150) -> JsonObject:
        """Show one request as text: how it ended, what it waited for, who held its loop, and the tree of its spans.

        Equal neighbours are one line with their number. `lines_left_out` says how much was cut off at the end.
        """
        least_ns = self._config.loop.report_ms * _MS
        with self._store() as store:
            trace = store.trace(store.find(id), limit=SHOWN_AT_MOST)
            blame = find_blame(store, trace, least_ns)
        head = [*header_lines(trace, self._clock()), *blame_lines(blame, least_ns)]
        lines = [_text(each) for each in (*head, (), *tree_lines(trace, value_length=_VALUE_LENGTH))]
        return {"text": "\n".join(lines[:max_lines]), "lines_left_out": max(len(lines) - max_lines, 0)}

    def diff_requests(self, a: Reference, b: Reference, limit: Limit = 40) -> JsonObject:
        """Compare two requests by what was called in the same way from the root: calls, failures, times.

        `places` are those that differ or changed by 1 ms or more, those that differ first, then by the change; each
        with its way from the root. To find what makes one slow, compare it with a fast one of the same route.
        """
        with self._store() as store:
            first, second = (store.trace(store.find(each), limit=SHOWN_AT_MOST) for each in (a, b))
        diff = diff_traces(first, second)
        changed = _changed(diff)
        return {
            "a": _brief(diff.a),
            "b": _brief(diff.b),
            "different": diff.is_different,
            "whole": diff.is_whole,
            "places": changed[:limit],
            "more": len(changed) > limit,
        }

    def list_inflight(self, limit: Limit = 50) -> JsonObject:
        """List the requests that run now, the oldest first: in which span each is, and for how long.

        It is read from shared memory by the collector, so it tells of a worker that hangs, too.
        """
        now_ns = self._clock()
        with self._store() as store:
            found = store.open_requests()
            shown = [(each, whereabouts(store.trace(each, limit=SHOWN_AT_MOST))) for each in found[:limit]]
        requests = [open_object(request, where, _FIELDS, now_ns) for request, where in shown]
        return {"requests": [_clipped(each) for each in requests], "more": len(found) > limit}

    def _store(self) -> Reader:
        return Reader(self._config.store_dir)

    def _since(self, text: str) -> int | None:
        return moment(text, self._clock()) if text else None


def _text(pieces: Line) -> str:
    return clip(plain(pieces), _WIDEST)


def _brief(request: RequestSummary) -> JsonObject:
    return _clipped(request_object(request, _FIELDS))


def _clipped(made: JsonObject) -> JsonObject:
    return {name: clip(value, _WIDEST) if isinstance(value, str) else value for name, value in made.items()}


def _changed(diff: TraceDiff) -> list[dict[str, Any]]:
    kept = changed_places(diff, WORTH_TELLING_NS)
    way: list[str] = []
    found: list[dict[str, Any]] = []
    for index, place in enumerate(diff.places):
        del way[place.depth :]
        way.append(clip(place.name, _WIDEST))
        if index in kept:
            found.append({**_clipped(place_object(place)), "way": way[-_WAY:]})
    return sorted(found, key=lambda each: (not each["different"], -abs(each["change_ns"])))
