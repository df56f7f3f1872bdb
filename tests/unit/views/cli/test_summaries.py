"""``scope inflight``, ``scope routes`` and ``scope errors``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.views.cli.conftest import Scope, Traced


def test_inflight_tells_where_each_is(scope: Scope) -> None:
    result = scope("inflight")
    assert "No collector is running" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["age", "method", "route", "now", "in", "for", "where", "pid", "id"]
    (line,) = lines[1:]
    assert "wait for stock" in line
    assert "hanging" in line


def test_inflight_json_has_the_way_to_what_is_current(scope: Scope) -> None:
    (open_request,) = json.loads(scope("inflight", "--json").stdout)
    assert open_request["state"] == "open"
    assert open_request["age_ns"] > open_request["current"]["age_ns"] > 0
    assert open_request["current"]["name"] == "wait for stock"
    assert open_request["path"][-1] == "wait for stock"
    assert open_request["branches"] == 1
    (chosen,) = json.loads(scope("inflight", "--json=id").stdout)
    assert set(chosen) == {"id", "age_ns", "current", "path", "branches"}


def test_routes_are_summed_up_the_busiest_first(scope: Scope) -> None:
    text = scope("routes").stdout
    assert text.splitlines()[0].split()[:3] == ["method", "route", "requests"]
    routes = json.loads(scope("routes", "--json").stdout)
    counts = [route["count"] for route in routes]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == 8
    assert sum(route["errors"] for route in routes) == 1
    assert all(isinstance(route["p95_ns"], int) for route in routes)


def test_routes_since_a_time_without_requests_are_none(scope: Scope) -> None:
    result = scope("routes", "--since", "2100-01-01")
    assert result.stdout == ""
    assert result.exit_code == 0
    assert scope("routes", "--since", "2100-01-01", "--json").stdout == "[]\n"


def test_errors_are_grouped_with_an_example(scope: Scope) -> None:
    text = scope("errors").stdout
    assert "CardDeclined" in text
    assert "show failing" in text
    assert all(line.isprintable() for line in text.splitlines())
    group = next(group for group in json.loads(scope("errors", "--json").stdout) if group["function"])
    assert group["count"] == 1
    assert group["exemplar"] == "failing"
    assert group["function"].endswith("app")


def test_no_errors_may_be_a_finding(scope: Scope) -> None:
    result = scope("errors", "--since", "2100-01-01", "--fail-empty")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert scope("errors", "--fail-empty").exit_code == 0


def test_nothing_in_flight_may_be_a_finding(idle: Path, scope: Scope) -> None:
    result = scope("--dir", str(idle), "inflight", "--fail-empty")
    assert result.exit_code == 3
    assert "Nothing is running" in result.stderr


def test_workers_are_listed_with_how_they_are(scope: Scope, traced: Traced) -> None:
    titles, line = scope("workers").stdout.splitlines()
    assert titles.split()[:4] == ["pid", "service", "state", "started"]
    assert line.split()[:3] == [str(traced.process.pid), "shop", "running"]
    [worker] = json.loads(scope("workers", "--json").stdout)
    assert (worker["pid"], worker["ended_ns"], worker["replaces"]) == (traced.process.pid, None, None)


def test_no_workers_are_said_to_be_none(idle: Path, scope: Scope) -> None:
    result = scope("--dir", str(idle), "workers")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "No process has been traced yet" in result.stderr


def test_without_a_store_all_are_unavailable(scope: Scope, tmp_path: Path) -> None:
    for name in ("inflight", "routes", "errors", "tail", "workers", "db"):
        arguments = (name, "info") if name == "db" else (name,)
        assert scope("--dir", str(tmp_path / "none"), *arguments).exit_code == 4
