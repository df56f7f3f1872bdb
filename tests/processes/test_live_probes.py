"""Functions of running workers are recorded for a while, without a restart, in the requests that were asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scope.config import load as load_settings
from scope.model import RequestSummary, SpanKind, Trace
from scope.store import Reader
from tests.support.servers import Server, scope, server
from tests.support.stored import listed
from tests.support.visitors import Load, under_load
from tests.support.waiting import eventually

RUN = [sys.executable, "-m", "scope", "run", "--"]
APP = "tests.support.routes_alike"
WORKERS = 4
PAUSE_S = 0.2
CHECKOUT, BROWSE = "/checkout/{number}", "/browse/{number}"


@contextmanager
def loaded(directory: Path) -> Iterator[tuple[Server, Load]]:
    """Four workers that serve both routes all the time; none of it may fail."""
    settings = {"SCOPE_PROBES_OWN": "false"}
    with server(directory, f"{APP}:app", workers=WORKERS, prefix=RUN, settings=settings) as running:
        with under_load(running.port, ["/checkout/7", "/browse/7"]) as load:
            yield running, load
        # None was restarted: whatever was served came of as many processes as there were.
        assert len({each.pid for each in listed() if each.kind == "http"}) == WORKERS
        assert set(load.statuses) == {200}
        running.stop()


class Watch:
    """What was recorded of requests, as they end."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def news(self) -> dict[RequestSummary, tuple[str, ...]]:
        """The requests that ended since the last look, with their recorded functions."""
        with Reader(load_settings().store_dir) as reader:
            found = [each for each in reader.requests(limit=2000) if each.kind == "http" and each.state == "done"]
            fresh = [each for each in found if each.span_id not in self._seen]
            self._seen.update(each.span_id for each in fresh)
            return {each: functions(reader.trace(each)) for each in fresh}

    def recorded(self) -> dict[RequestSummary, tuple[str, ...]]:
        """Those of the news in which functions were recorded."""
        return {each: names for each, names in self.news().items() if names}

    def until_all_record(self, route: str) -> dict[RequestSummary, tuple[str, ...]]:
        """Wait until each worker has recorded functions in a request of ``route``; all that was recorded meanwhile."""
        found: dict[RequestSummary, tuple[str, ...]] = {}

        def look() -> bool:
            found.update(self.recorded())
            return len({each.pid for each in found if each.route == route}) == WORKERS

        eventually(look, pause_s=PAUSE_S)
        return found

    def until_none_records(self) -> None:
        """Wait for a pause in which each worker served both routes and recorded nothing."""

        def look() -> bool:
            news = self.news()
            served = {(each.pid, each.route) for each in news}
            return len(served) == 2 * WORKERS and not any(news.values())

        eventually(look, pause_s=1.0)


def functions(trace: Trace) -> tuple[str, ...]:
    return tuple(span.name for _, span in trace.spans() if span.kind is SpanKind.FUNCTION)


@pytest.mark.slow
def test_a_function_is_switched_on_for_one_route_seen_and_switched_off_under_load(tmp_path: Path) -> None:
    watch = Watch()
    with loaded(tmp_path):
        watch.until_none_records()
        told = scope("probe", f"{APP}:price", "--route", f"GET {CHECKOUT}", "--for", "10min")
        assert told.startswith(f"{APP}:price=timing if route:GET {CHECKOUT} for ")
        found = watch.until_all_record(CHECKOUT)
        assert {(each.route, names) for each, names in found.items()} == {(CHECKOUT, ("price",))}
        assert "price" in scope("show", next(iter(found)).span_id)
        scope("probe", "--stop")
        watch.until_none_records()


@pytest.mark.slow
def test_the_next_request_only_is_recorded_of_all_that_the_workers_serve(tmp_path: Path) -> None:
    watch = Watch()
    with loaded(tmp_path):
        watch.until_none_records()
        scope("probe", f"{APP}:*", "--route", BROWSE, "--next", "--for", "10min")
        # A rule for the other route tells when every worker has taken up both.
        scope("probe", f"{APP}:tax", "--route", CHECKOUT, "--for", "10min")
        found = watch.until_all_record(CHECKOUT)
        eventually(lambda: taken_by() is not None)
        for _ in range(3):
            found |= watch.until_all_record(CHECKOUT)
        only = taken_by()
    browsed = {each.id: names for each, names in found.items() if each.route == BROWSE}
    assert browsed == {only: ("browse", "price", "tax")}


def taken_by() -> str | None:
    """The id of the only request, once it has come."""
    first: dict[str, str | None] = json.loads(scope("probe", "--json"))[0]
    return first["taken_by"]
