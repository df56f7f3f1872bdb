"""Tools about the whole: what is asked for, what fails, whether everything is as it must be."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from ...store import Reader, moment, parse
from ..health import diagnose
from ..jsonout import JsonObject
from ..lines import clip
from ..loop_search import find_culprits
from .parameters import Conditions, Limit, Since

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...config import Config

__all__ = ["SumTools"]

_WIDEST: Final = 240
_MS: Final = 1_000_000


class SumTools:
    """Over the store that ``config`` names; each call opens it anew, so any thread may make it."""

    def __init__(self, config: Config, clock: Callable[[], int] = time.time_ns) -> None:
        self._config = config
        self._clock = clock

    def list_routes(self, limit: Limit = 50, since: Since = "") -> JsonObject:
        """Sum up by method and route, the busiest first: requests, failures, percentiles of the durations."""
        with Reader(self._config.store_dir) as store:
            found = store.routes(self._since(since))
        return {"routes": [_clipped(asdict(each)) for each in found[:limit]], "more": len(found) > limit}

    def list_errors(self, limit: Limit = 20, since: Since = "") -> JsonObject:
        """Sum up exceptions by type, place in the code and route, the most frequent first.

        `exemplar` is the id of the latest request that has it.
        """
        with Reader(self._config.store_dir) as store:
            found = store.errors(self._since(since))
        return {"errors": [_clipped(asdict(each)) for each in found[:limit]], "more": len(found) > limit}

    def find_loop_culprits(self, filter: Conditions = "", limit: Limit = 10, since: Since = "") -> JsonObject:
        """Rank the functions that held event loops without giving way, by the time that others waited meanwhile.

        The filter is for the requests that did so. `culprit_id` and `victim_id` are requests to show. Where the
        function is the route's handler, record more functions to narrow it down. `skipped` requests were not read.
        """
        least_ns = self._config.loop.report_ms * _MS
        condition = parse(filter) if filter else None
        with Reader(self._config.store_dir) as store:
            search = find_culprits(store, least_ns, condition, self._since(since))
        return {
            "min_ns": least_ns,
            "culprits": [_clipped(asdict(each)) for each in search.culprits[:limit]],
            "more": len(search.culprits) > limit,
            "skipped": search.skipped,
        }

    def check_health(self) -> JsonObject:
        """Check the machine, the shared memory, the collector, the store and the settings; changes nothing.

        Ask this when no requests are found, or when traces are incomplete.
        """
        checks = diagnose(self._config, self._clock())
        healthy = all(each.status != "failure" for each in checks)
        told = [
            {"name": each.name, "status": each.status, "summary": each.summary, "details": each.details}
            for each in checks
        ]
        return {"healthy": healthy, "checks": told}

    def _since(self, text: str) -> int | None:
        return moment(text, self._clock()) if text else None


def _clipped(made: Mapping[str, object]) -> JsonObject:
    return {name: clip(value, _WIDEST) if isinstance(value, str) else value for name, value in made.items()}
