"""What the tools tell, and how much at most."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scope.errors import ScopeError
from scope.model import Event, EventType
from scope.store import StoreUnavailable
from scope.views.mcp.plans import PlanTools
from scope.views.mcp.requests import RequestTools
from scope.views.mcp.sums import SumTools
from scope.wire.encode import encode_records
from tests.unit.store.kit import LOAD, OFFSET_NS, START_NS, begun, store, summary

if TYPE_CHECKING:
    from pathlib import Path

    from scope.config import Config
    from scope.store import Summary

MS = 1_000_000


@pytest.fixture
def requests(config: Config) -> RequestTools:
    return RequestTools(config)


def test_search_lists_what_meets_the_filter_and_says_whether_there_is_more(requests: RequestTools) -> None:
    found = requests.search_requests("path:/users", limit=2)
    assert [each["id"] for each in found["requests"]] == ["users-2", "users-1"]
    assert found["more"] is True
    assert requests.search_requests("path:/users", limit=3)["more"] is False
    assert requests.search_requests("path:/users", since="2100-01-01")["requests"] == []


def test_search_sorts(requests: RequestTools) -> None:
    [slowest] = requests.search_requests("kind:http state:done", sort="dur", limit=1)["requests"]
    assert slowest["id"] == "slow"


def test_show_is_text_of_at_most_so_many_lines(requests: RequestTools) -> None:
    whole = requests.show_request("slow")
    assert "×8 SELECT users" in whole["text"]
    assert whole["lines_left_out"] == 0
    lines = whole["text"].splitlines()
    part = requests.show_request("slow", max_lines=3)
    assert part["text"].splitlines() == lines[:3]
    assert part["lines_left_out"] == len(lines) - 3


def test_show_lets_nothing_of_a_stranger_break_a_line(requests: RequestTools) -> None:
    lines = requests.show_request("hostile")["text"].splitlines()
    assert all(line.isprintable() for line in lines)


def test_diff_tells_what_differs_first_with_the_way_to_it(requests: RequestTools) -> None:
    diff = requests.diff_requests("users-0", "failing")
    assert (diff["a"]["id"], diff["b"]["id"], diff["different"]) == ("users-0", "failing", True)
    assert diff["places"][0]["different"] is True
    [charge] = [each for each in diff["places"] if each["name"] == "charge"]
    assert charge["way"][-1] == "charge"
    assert charge["b"]["failed"] == 1
    part = requests.diff_requests("users-0", "failing", limit=1)
    assert (part["places"], part["more"]) == (diff["places"][:1], True)


def test_inflight_tells_where_each_is(requests: RequestTools) -> None:
    [running] = requests.list_inflight()["requests"]
    assert (running["id"], running["current"]["name"]) == ("hanging", "wait for stock")
    assert running["age_ns"] > 0


def step(key: int, start_ms: int, end_ms: int, waited_ms: int = 0) -> Event:
    ran = {"ran_ns": (end_ms - start_ms) * MS, "waited_ns": waited_ms * MS, "flags": 0}
    return Event(EventType.LOOP_STEP, START_NS - OFFSET_NS + end_ms * MS, key, payload=ran)


def stepping(key: int, *steps: Event, longest_ms: int, waited_ms: int = 0) -> Summary:
    """A request of 400 ms with a call of ``load`` for all of it."""
    began = START_NS - OFFSET_NS
    call = [
        Event(EventType.FUNCTION_ENTER, began + 1000, key, 2, 1, LOAD),
        Event(EventType.FUNCTION_EXIT, began + 399 * MS, key, 2, 1, LOAD, {"outcome": 0}),
    ]
    blob = encode_records([*begun(key, START_NS), call[0], *steps, call[1]], key * 512)
    end_ns = START_NS + 400 * MS
    return summary(
        key,
        start_ns=START_NS,
        response_end_ns=end_ns,
        end_ns=end_ns,
        blob=blob,
        spans=2,
        events=4 + len(steps),
        longest_step_ns=longest_ms * MS,
        loop_wait_ns=waited_ms * MS,
    )


def test_culprits_are_named_with_their_function_and_their_victims(tmp_path: Path, config: Config) -> None:
    culprit = stepping(1, step(1, 10, 310), longest_ms=300)
    victim = stepping(2, step(2, 5, 9), step(2, 310, 311, waited_ms=290), longest_ms=4, waited_ms=290)
    store(tmp_path / "store", [culprit, victim])
    sums = SumTools(replace(config, dir=str(tmp_path)))
    [told] = sums.find_loop_culprits()["culprits"]
    assert (told["function"], told["route"], told["victims"]) == ("load", "GET /items/{id}", 1)
    assert (told["longest_ns"], told["stolen_ns"]) == (300 * MS, 290 * MS)
    assert (told["culprit_id"], told["victim_id"]) == (f"{1:032x}", f"{2:032x}")
    assert sums.find_loop_culprits("route:/other")["culprits"] == []
    assert sums.find_loop_culprits(since="2100-01-01")["culprits"] == []


def test_routes_and_errors_are_summed_up_within_the_limit(config: Config) -> None:
    sums = SumTools(config)
    routes = sums.list_routes()
    assert sum(each["count"] for each in routes["routes"]) == 8
    assert sums.list_routes(limit=1)["more"] is (len(routes["routes"]) > 1)
    errors = sums.list_errors()["errors"]
    assert any(each["exemplar"] == "failing" for each in errors)
    assert sums.list_errors(since="2100-01-01")["errors"] == []


def test_health_tells_of_each_check(config: Config) -> None:
    told = SumTools(config).check_health()
    assert "store" in [each["name"] for each in told["checks"]]
    assert isinstance(told["healthy"], bool)


def test_a_plan_has_routes_findings_and_rules(config: Config, code: Path) -> None:
    told = PlanTools(config, code).propose_plan()
    assert [each["route"] for each in told["routes"]] == ["GET /users"]
    assert [(each["rule"], each["cost"]) for each in told["findings"]] == [("blocking-call", None)]
    assert any(line.startswith("main:users=timing") for line in told["rules"])
    assert (told["counts"]["modules"], told["measured"]) == (1, None)


def test_a_plan_is_corrected_by_the_store_where_asked(config: Config, code: Path) -> None:
    told = PlanTools(config, code).propose_plan("main.py", from_store=True, since="2h", limit=1, max_lines=10)
    assert "stored requests" in told["measured"]


@pytest.mark.parametrize("path", ["..", "/", "link", "../shop2"])
def test_a_plan_of_what_is_outside_the_root_is_refused(config: Config, code: Path, path: str) -> None:
    (code.parent / "shop2").mkdir()
    (code / "link").symlink_to(code.parent / "shop2")
    with pytest.raises(ScopeError, match="outside"):
        PlanTools(config, code).propose_plan(path)


def test_a_plan_of_what_is_not_there_is_refused(config: Config, code: Path) -> None:
    with pytest.raises(ScopeError, match="there is no"):
        PlanTools(config, code).propose_plan("nothing")


def test_what_is_told_is_bounded_however_long_what_was_recorded(tmp_path: Path, config: Config) -> None:
    store(tmp_path / "store", [summary(key, path="/" + "x" * 4000) for key in range(1, 120)])
    found = RequestTools(replace(config, dir=str(tmp_path)), time.time_ns).search_requests(limit=100)
    assert len(found["requests"]) == 100
    assert len(json.dumps(found)) < 80_000


def test_without_a_store_the_tools_say_so(tmp_path: Path, config: Config) -> None:
    with pytest.raises(StoreUnavailable):
        RequestTools(replace(config, dir=str(tmp_path))).search_requests()
