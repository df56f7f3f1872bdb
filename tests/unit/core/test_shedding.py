"""What a process leaves out of its traces at each level of shedding, and what they say of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scope import _core, annotate, span
from scope.instrument.plan import Level, Plan, Rule
from scope.instrument.transform.binding import bind
from scope.instrument.transform.compiling import compile_source
from scope.model import Trace
from scope.model.shedding import HIGHEST, LEFT_OUT
from scope.testing import Capture, captured
from scope.wire.control import shed_word
from tests.unit.core.inside import http, serve

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = b"""
def called():
    pass

def often():
    pass

def seldom():
    pass
"""
COUNTS = {"called": 3, "often": 200, "seldom": 1}


@pytest.fixture(scope="module")
def functions() -> dict[str, Callable[[], None]]:
    planned = compile_source(Plan((Rule("shed", Level.TIMING),)), "shed", "shed.py", SOURCE)
    assert planned is not None
    names: dict[str, Any] = {}
    exec(bind(planned, "shed"), names)
    return names


@contextmanager
def shedding(level: int, share: float = 0.123) -> Iterator[Capture]:
    """A session that the collector tells to leave out so much; afterwards it is told to leave out nothing."""
    with captured() as capture:
        session = _core.get_session()
        assert session is not None
        segment = _core.Segment(session.path)
        segment.set_control(shed_word(level, share))
        yield capture
        segment.set_control(0)
        asyncio.run(serve(lambda: None))
        segment.close()


@pytest.fixture(autouse=True)
def limits() -> Iterator[None]:
    _core.set_call_limits(1000, 10000)
    yield
    _core.set_call_limits(1000, 10000)
    _core.set_taken_out([])


def work(functions: dict[str, Callable[[], None]]) -> Callable[[], None]:
    def do() -> None:
        with span("always"):
            annotate(done=True)
        for name, count in COUNTS.items():
            for _ in range(count):
                functions[name]()

    return do


def recorded(trace: Trace) -> dict[str, int]:
    names = [span.name.rpartition(".")[2] for _, span in trace.spans()]
    return {name: names.count(name) for name in COUNTS if name in names}


def of(trace: Trace) -> Any:
    return trace.root.attributes.get("scope.shed")


def traces(functions: dict[str, Callable[[], None]], level: int, requests: int = 1) -> list[Trace]:
    with shedding(level) as capture:
        for _ in range(requests):
            asyncio.run(serve(work(functions)))
        return capture.traces()


def test_at_level_nought_everything_is_recorded_and_nothing_said(functions: dict[str, Callable[[], None]]) -> None:
    (trace,) = traces(functions, 0)
    assert recorded(trace) == COUNTS
    assert of(trace) is None


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (1, COUNTS),
        (2, COUNTS),
        (3, COUNTS),
        (4, {**COUNTS, "often": 100}),
        (5, {**COUNTS, "often": 10}),
        (HIGHEST, {}),
        (200, {}),
    ],
)
def test_each_level_leaves_out_more_and_the_trace_says_so(
    functions: dict[str, Callable[[], None]], level: int, expected: dict[str, int]
) -> None:
    (trace,) = traces(functions, level)
    assert recorded(trace) == expected
    assert of(trace)["level"] == min(level, HIGHEST)
    assert of(trace)["left_out"] == LEFT_OUT[min(level, HIGHEST)]
    assert of(trace)["because"] == "tracing took 12.3 % of the CPU of its process"


@pytest.mark.parametrize("level", range(HIGHEST + 1))
def test_boundaries_and_spans_are_recorded_at_every_level(functions: dict[str, Callable[[], None]], level: int) -> None:
    (trace,) = traces(functions, level)
    assert trace.request.complete
    assert trace.request.status == 200
    assert [span.name for span in trace.root.children][:1] == ["always"]
    assert trace.root.children[0].attributes["done"] is True


@pytest.mark.parametrize(("level", "one_of"), [(6, 10), (7, 100)])
def test_functions_of_one_in_so_many_requests_are_recorded(
    functions: dict[str, Callable[[], None]], level: int, one_of: int
) -> None:
    found = traces(functions, level, requests=2 * one_of)
    assert sum(bool(recorded(trace)) for trace in found) == 2
    assert all(of(trace).get("sampled_out", False) is not bool(recorded(trace)) for trace in found)


def test_each_route_has_its_sample(functions: dict[str, Callable[[], None]]) -> None:
    """However seldom it is asked for, beside one that is asked for always."""

    def request(route: str) -> None:
        begun = _core.begin_request(http(), b"x-request-id", True)
        assert begun is not None
        before = begun.activate()
        functions["seldom"]()  # a middleware, before the route is known
        begun.set_route(route)
        work(functions)()
        begun.deactivate(before)
        begun.end(0)

    with shedding(6) as capture:
        for number in range(20):
            request("/often")
            if number in {7, 13}:
                request("/seldom")
        found = capture.traces()
    assert [trace.request.route for trace in found if len(recorded(trace)) == len(COUNTS)] == [
        "/often",
        "/seldom",
        "/often",
    ]


def test_calls_that_are_left_out_are_counted(functions: dict[str, Callable[[], None]]) -> None:
    (trace,) = traces(functions, 5)
    assert trace.root.attributes["scope.held_back_calls"] == 190


def test_functions_that_are_called_too_often_are_named_to_be_taken_out(
    functions: dict[str, Callable[[], None]],
) -> None:
    with shedding(5):
        asyncio.run(serve(work(functions)))
        assert _core.shedding() == (5, [("shed.often", 200)])


def test_the_hook_is_called_when_there_is_something_to_take_out_or_to_put_back(
    functions: dict[str, Callable[[], None]],
) -> None:
    calls: list[tuple[int, list[tuple[str, int]]]] = []
    _core.set_steered(lambda: calls.append(_core.shedding()))
    try:
        with shedding(5):
            for _ in range(3):
                asyncio.run(serve(work(functions)))
            assert calls == [(5, []), (5, [("shed.often", 200)])]
        assert calls[2:] == [(0, [])]
    finally:
        _core.set_steered(None)


def test_levels_that_take_out_the_same_functions_call_no_hook() -> None:
    calls: list[None] = []
    with shedding(6):
        asyncio.run(serve(lambda: None))
        session = _core.get_session()
        assert session is not None
        segment = _core.Segment(session.path)
        _core.set_steered(lambda: calls.append(None))
        try:
            segment.set_control(shed_word(7, 0.1))
            asyncio.run(serve(lambda: None))
            assert calls == []
        finally:
            _core.set_steered(None)
            segment.close()


def test_traces_name_the_functions_that_were_taken_out() -> None:
    names = [f"shop.number_{number}" for number in range(40)]
    with shedding(3) as capture:
        _core.set_taken_out(names)
        asyncio.run(serve(lambda: None))
        (trace,) = capture.traces()
    assert of(trace)["taken_out"] == 40
    assert of(trace)["functions"] == tuple(names[:16])


@pytest.mark.parametrize("wrong", [None, "names", ("a",)])
def test_what_is_no_list_of_names_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="takes a list of names"):
        _core.set_taken_out(wrong)
