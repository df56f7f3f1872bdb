"""One request records so many calls of one function and so many in all; what is held back is counted and told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scope import _core
from scope.instrument.plan import Level, Plan, Rule
from tests.unit.core.inside import inside, outline

from .twins import twins

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = """
def hot(): return 1
def warm(): return 2
def items():
    yield 1
def fails(): raise ValueError("told")
"""


@pytest.fixture(autouse=True)
def limits() -> Iterator[None]:
    _core.set_call_limits(3, 8)
    yield
    _core.set_call_limits(1000, 10000)


@pytest.fixture
def made() -> Any:
    return twins(SOURCE)[1]


def attributes(trace: Any) -> dict[str, Any]:
    return {name: value for name, value in trace.root.attributes.items() if name.startswith("scope.")}


def test_what_is_within_the_limits_is_recorded_whole(made: Any) -> None:
    trace = inside(lambda: [made.hot() for _ in range(3)])
    assert outline(trace) == ["hot"] * 3
    assert attributes(trace) == {}


def test_a_hot_function_is_held_back_and_the_trace_says_how_much(made: Any) -> None:
    trace = inside(lambda: [made.hot() for _ in range(100_000)])
    assert outline(trace) == ["hot"] * 3
    assert attributes(trace) == {"scope.held_back_calls": 99_997, "scope.held_back": {"twin.hot": 99_997}}
    assert trace.request.complete


def test_the_functions_held_back_most_come_first(made: Any) -> None:
    def work() -> None:
        for number in range(20):
            made.hot()
            if number % 2:
                made.warm()
                list(made.items())

    found = attributes(inside(work))
    assert list(found["scope.held_back"].items()) == [("twin.hot", 17), ("twin.warm", 7), ("twin.items", 7)]
    assert found["scope.held_back_calls"] == 40 - 8


def test_all_functions_together_have_a_limit_too(made: Any) -> None:
    def work() -> None:
        for _ in range(3):
            made.hot()
            made.warm()
            list(made.items())

    trace = inside(work)
    assert len(outline(trace)) == 8
    assert attributes(trace) == {"scope.held_back_calls": 1}


def test_each_request_begins_anew(made: Any) -> None:
    for _ in range(2):
        assert outline(inside(lambda: [made.hot() for _ in range(5)])) == ["hot"] * 3


def test_only_so_many_exceptions_of_a_request_are_described(made: Any) -> None:
    _core.set_call_limits(1000, 10000)

    def work() -> None:
        for _ in range(40):
            with pytest.raises(ValueError, match="told"):
                made.fails()

    trace = inside(work)
    failed = [span for _, span in trace.spans()][1:]
    assert [span.status for span in failed] == ["error"] * 40
    assert sum(span.exception is not None for span in failed) == 32


@pytest.mark.parametrize("wrong", [(), (1,), ("x", 1)])
def test_limits_are_numbers(wrong: Any) -> None:
    with pytest.raises(TypeError):
        _core.set_call_limits(*wrong)


def test_a_function_that_comes_to_be_recorded_deeper_meanwhile_has_no_second_allowance() -> None:
    """As one that is asked for while it is recorded already."""
    _, before = twins(SOURCE)
    _, after = twins(SOURCE, plan=Plan((Rule("twin", Level.LINES),)))

    def work() -> None:
        for module in (before, after):
            for _ in range(2):
                module.hot()

    trace = inside(work)
    assert outline(trace) == ["hot"] * 3
    assert trace.root.attributes["scope.held_back_calls"] == 1


def test_calls_that_meet_no_condition_are_not_counted() -> None:
    _, probed = twins(SOURCE, plan=Plan((Rule.parse("twin if id:nobody"),)))

    def work() -> None:
        for _ in range(9):
            probed.hot()

    trace = inside(work)
    assert outline(trace) == []
    assert "scope.held_back_calls" not in trace.root.attributes
