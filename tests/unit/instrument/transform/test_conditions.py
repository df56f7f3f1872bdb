"""Functions that are recorded in some requests only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scope import _core
from scope.instrument.plan import Condition, Plan, Rule
from scope.instrument.transform.compiling import Refused
from scope.instrument.transform.conditions import MOST_CONDITIONS, Conditions, conditions
from scope.testing import captured
from tests.unit.core.inside import http, named, outline, serve

from .twins import twins

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = """
def early(): return 1
def work(): return early()
def items():
    yield 1
"""


@pytest.fixture(autouse=True)
def held(tmp_path: Path) -> Iterator[None]:
    conditions.tickets_dir = str(tmp_path)
    yield
    conditions.tickets_dir = ""
    conditions.keep(())


def probed(*rules: str) -> Any:
    _, module = twins(SOURCE, plan=Plan(tuple(map(Rule.parse, rules))))
    return module


def told(module: Any, route: str | None = None, **scope: object) -> list[str]:
    """What is recorded of a request that calls a function before its route is known, and then both."""

    def work() -> None:
        module.early()
        if route is not None:
            request = _core.current_request()
            assert request is not None
            request.set_route(route)
        module.work()
        list(module.items())

    with captured() as capture:
        asyncio.run(serve(work, http(**scope)))
    return outline(capture.trace())


ALL = ["early", "work", "  early", "items"]
ROUTED = ALL[1:]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("twin if route:/items/{id}", ALL),
        ("twin if route:/items/{id:int}", ALL),
        ("twin if route:/items/*", ALL),
        ("twin if route:*", ALL),
        ("twin if route:GET /items/{id}", ALL),
        ("twin if route:POST /items/{id}", []),
        ("twin if route:/items/{name}", ["early"]),
        ("twin if route:/items", []),
        ("twin if id:wanted", ALL),
        ("twin if id:other", []),
        ("twin if id:4bf92f3577b34da6a3ce929d0e0e4736", ALL),
        ("twin if id:wanted and route:/items/{id}", ALL),
        ("twin if id:wanted and route:/other", []),
    ],
)
def test_a_function_is_recorded_in_requests_that_meet_its_condition(rule: str, expected: list[str]) -> None:
    """Until the route is known, as the path lets expect."""
    headers = [
        (b"x-request-id", b"wanted"),
        (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ]
    assert told(probed(rule), "/items/{id}", path="/items/1", headers=headers) == expected


def test_a_path_of_another_route_is_nothing_to_expect() -> None:
    module = probed("twin if route:/items/{id}")
    assert told(module, "/items/{id}", path="/things") == ROUTED
    assert told(module, "/items/new", path="/items/new") == ["early"]
    assert told(module, None, path="/items/new") == ALL
    assert told(module, "/items/{id}", path="/items/" + "x" * 600) == ROUTED


def test_what_is_no_text_is_no_route() -> None:
    assert told(probed("twin if route:*"), None, path="/\ud800", method=3) == []
    assert told(probed("twin if route:GET *"), None, path="/", method=3) == []


def test_of_several_conditions_the_last_rule_decides_and_the_rest_holds_elsewhere() -> None:
    module = probed("twin:work", "twin:early if route:/items/*", "twin:work=off if id:quiet")
    quiet = [(b"x-request-id", b"quiet")]
    assert told(module, "/", path="/") == ["work"]
    assert told(module, "/items/1", path="/items/1") == ["early", "work", "  early"]
    assert told(module, "/items/1", path="/items/1", headers=quiet) == ["early", "early"]


def test_values_are_recorded_in_the_requests_that_were_asked_for() -> None:
    module = probed("twin:early", "twin:early=values if route:/items/{id}")

    def result(path: str) -> object:
        with captured() as capture:
            asyncio.run(serve(module.early, http(path=path)))
        values = named(capture.trace(), "early").values
        return None if values is None else values.result

    assert [result(path) for path in ("/items/1", "/things")] == [1, None]


def test_conditions_that_come_to_be_hold_for_requests_under_way() -> None:
    """As far as their route is known, or becomes known; what the path let expect was not kept."""
    found: list[ModuleType] = []

    def work() -> None:
        found.append(probed("twin if route:/items/{id}"))
        made: Any = found[0]
        made.early()
        request = _core.current_request()
        assert request is not None
        request.set_route("/items/{id}")
        made.work()

    with captured() as capture:
        asyncio.run(serve(work, http(path="/items/1")))
    assert outline(capture.trace()) == ["work", "  early"]


def test_one_request_of_all_takes_the_ticket(tmp_path: Path) -> None:
    module = probed("twin if next:00c0ffee")
    assert [told(module, "/", headers=[(b"x-request-id", name)]) for name in (b"first", b"second")] == [ALL, []]
    assert (tmp_path / "00c0ffee").read_text() == "first"


def test_a_ticket_that_was_taken_elsewhere_is_not_to_be_had(tmp_path: Path) -> None:
    (tmp_path / "00c0ffee").write_text("another process's")
    assert told(probed("twin if next:00c0ffee"), "/") == []
    conditions.keep(())
    conditions.tickets_dir = str(tmp_path / "missing")
    assert told(probed("twin if next:11c0ffee"), "/") == []


def test_a_ticket_waits_for_the_route_and_for_a_call() -> None:
    module = probed("twin if route:/items/{id} and next:00c0ffee")
    assert told(module, "/items/new", path="/items/new") == []
    with captured():
        asyncio.run(serve(lambda: None, http(path="/items/1")))
    assert told(module, "/items/{id}", path="/items/1") == ROUTED
    assert told(module, "/items/{id}", path="/items/1") == []


def test_a_request_keeps_its_ticket_when_other_conditions_come_and_go() -> None:
    module = probed("twin if next:00c0ffee")

    def work() -> None:
        module.early()
        probed("twin if id:another")
        module.early()
        conditions.keep([Condition(ticket="00c0ffee")])
        module.early()

    with captured() as capture:
        asyncio.run(serve(work))
    assert outline(capture.trace()) == ["early"] * 3


def test_a_number_that_is_given_again_stands_for_its_new_condition_only() -> None:
    first = probed("twin if next:00c0ffee")

    def work() -> None:
        first.early()
        conditions.keep(())
        probed("twin if id:nobody")
        first.early()

    with captured() as capture:
        asyncio.run(serve(work))
    assert outline(capture.trace()) == ["early"]


def test_equal_conditions_have_one_number_and_free_numbers_are_given_again() -> None:
    numbers = Conditions()
    one, two = Condition(route="/a"), Condition(route="/b")
    assert [numbers.number(each) for each in (one, two, one)] == [1, 2, 1]
    numbers.keep([two])
    assert [numbers.number(Condition(id="x")), numbers.number(two)] == [1, 2]
    numbers.keep(())


def test_more_conditions_than_there_are_numbers_are_refused() -> None:
    numbers = Conditions()
    for each in range(MOST_CONDITIONS):
        numbers.number(Condition(id=str(each)))
    with pytest.raises(Refused, match="more than 63 conditions"):
        numbers.number(Condition(id="one more"))
    numbers.keep(())


@pytest.mark.parametrize("wrong", [None, [], (("GET",),), ("GET",), (("GET", 1, None, None),), (None,) * 64])
def test_a_table_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        _core.set_conditions(wrong)


@pytest.mark.parametrize("cases", [[], (1,), ((0, 1),), ((64, 1),), ((1, 5),), (("x", 1),), ((1, 1),) * 5])
def test_a_probe_checks_its_cases(cases: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        _core.CodeProbe("shop.price", 0, False, 1, cases)
