"""Our place among the interpreter's tools: taken where there is one, kept to ourselves, given up whole."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

import pytest

from scope import _core
from scope.instrument.monitoring.live import take_tool
from scope.instrument.monitoring.places import every_code
from scope.instrument.monitoring.tool import NAME, Tool
from scope.instrument.transform.binding import probe_of
from tests.unit.core.inside import inside, outline

monitoring: Any = getattr(sys, "monitoring", None)

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = """
def work(*then):
    for each in then:
        each()
def other(): return [1]
def counts():
    yield 1
    yield 2
"""


def made() -> tuple[Any, dict[str, CodeType]]:
    code = compile(SOURCE, "made.py", "exec")
    module = ModuleType("made")
    exec(code, vars(module))
    return module, {each.co_name: each for each in every_code(code)}


def record(tool: Tool, code: CodeType) -> None:
    tool.record(code, probe_of(code, "made", (1, ())))


@pytest.fixture
def crowd() -> Iterator[list[int]]:
    """Other tools have all places."""
    taken = [number for number in range(6) if monitoring.get_tool(number) is None]
    for number in taken:
        monitoring.use_tool_id(number, "another")
    yield taken
    for number in taken:
        if monitoring.get_tool(number) == "another":
            monitoring.free_tool_id(number)


@pytest.mark.parametrize("engine", ["auto", "monitoring"])
def test_where_others_have_all_places_the_log_says_so_once(
    engine: Any, crowd: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "scope"):
        assert take_tool(engine) is None
    assert caplog.messages == ["scope: functions are recorded by transforming their code: other tools have all places"]


def test_any_place_but_those_of_debuggers_and_coverage_will_do(crowd: list[int]) -> None:
    for number in (0, 1):
        monitoring.free_tool_id(number)
    assert Tool.take() is None
    for number in (2, 5):
        monitoring.free_tool_id(number)
        tool = Tool.take()
        assert tool is not None
        assert monitoring.get_tool(number) == NAME
        tool.close()
        monitoring.use_tool_id(number, "another")


def test_what_is_asked_to_transform_takes_no_place() -> None:
    assert take_tool("ast") is None
    assert NAME not in [monitoring.get_tool(number) for number in range(6)]


def test_only_code_with_a_probe_has_events(tool: Tool) -> None:
    module, code = made()
    record(tool, code["work"])
    assert outline(inside(lambda: module.work(module.other))) == ["work"]
    events = [monitoring.get_local_events(4, each) for each in code.values()]
    assert [each != 0 for each in events] == [name == "work" for name in code]


def test_code_looks_as_it_looked(tool: Tool) -> None:
    module, code = made()
    plain = made()[1]["work"]
    record(tool, code["work"])
    inside(module.work)
    recorded = code["work"]
    assert (recorded.co_code, recorded.co_consts) == (plain.co_code, plain.co_consts)
    assert recorded == plain


def test_calls_under_way_end_when_their_function_is_no_longer_recorded(tool: Tool) -> None:
    module, code = made()
    record(tool, code["work"])

    def work() -> None:
        def stop() -> None:
            tool.record(code["work"], None)
            module.work(module.other)

        module.work(stop)
        module.work()

    trace = inside(work)
    assert outline(trace) == ["work"]
    assert [span.status for _, span in trace.spans()] == ["ok", "ok"]


def test_what_was_switched_off_comes_back(tool: Tool) -> None:
    module, code = made()
    record(tool, code["work"])

    def work() -> None:
        module.work(lambda: tool.record(code["work"], None))
        module.work()
        record(tool, code["work"])
        module.work()

    assert outline(inside(work)) == ["work", "work"]


def test_events_that_another_tool_restarts_change_nothing(tool: Tool) -> None:
    module, code = made()
    record(tool, code["work"])

    def work() -> None:
        module.work(lambda: tool.record(code["work"], None))
        monitoring.restart_events()
        module.work()
        record(tool, code["work"])
        monitoring.restart_events()
        module.work()

    assert outline(inside(work)) == ["work", "work"]


@pytest.mark.parametrize(("number", "expected"), [(0, ["ok", "error", "ok"]), (5, ["error", "ok"])])
def test_a_call_that_a_foreign_tool_fails_ends_all_the_same(tool: Tool, number: int, expected: list[str]) -> None:
    """Somebody's callback raises as a call returns, and as one begins; it is called after ours, or instead of it."""
    module, code = made()
    record(tool, code["work"])
    events = monitoring.events

    def fail(*_: object) -> None:
        raise RuntimeError("foreign")

    def work() -> None:
        for event in (events.PY_RETURN, events.PY_START):
            monitoring.register_callback(number, event, fail)
            monitoring.set_local_events(number, code["work"], event)
            with pytest.raises(RuntimeError, match="foreign"):
                module.work()
            monitoring.register_callback(number, event, None)
        monitoring.set_local_events(number, code["work"], 0)
        module.work()

    monitoring.use_tool_id(number, "foreign")
    try:
        trace = inside(work)
    finally:
        monitoring.free_tool_id(number)
    assert [span.status for _, span in trace.spans()][1:] == expected


def test_a_call_that_is_left_without_a_word_ends_when_its_frame_is_used_again(tool: Tool) -> None:
    module, code = made()
    record(tool, code["work"])

    def work() -> None:
        for name in ("PY_RETURN", "PY_RETURN"):
            monitoring.register_callback(4, getattr(monitoring.events, name), None)
            module.work()
            monitoring.register_callback(4, monitoring.events.PY_RETURN, _core.monitoring_callbacks()["PY_RETURN"])
            module.work()

    trace = inside(work)
    assert [span.status for _, span in trace.spans()][1:] == ["cancelled", "ok"] * 2


def test_a_tool_that_is_closed_hears_nothing(tool: Tool) -> None:
    module, code = made()
    second = Tool.take()
    assert second is not None
    record(second, code["work"])
    second.close()
    assert outline(inside(module.work)) == []


def test_code_takes_probes_only(tool: Tool) -> None:
    _, code = made()
    with pytest.raises(TypeError, match="CodeProbe or None"):
        _core.monitor(code["work"], "probe")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        _core.monitor("code", None)  # type: ignore[arg-type]
    assert _core.monitored("code") is None  # type: ignore[arg-type]


def test_callbacks_pass_over_what_is_no_event() -> None:
    for callback in _core.monitoring_callbacks().values():
        assert callback() in {None, monitoring.DISABLE}
