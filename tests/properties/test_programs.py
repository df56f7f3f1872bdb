"""Recorded programs do what they did: results, exceptions with their tracebacks, side effects, lines."""

from __future__ import annotations

import gc
import inspect
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from scope import _core
from scope.testing import captured
from tests.properties.programs import programs
from tests.unit.instrument.engines import engine, pytest_generate_tests
from tests.unit.instrument.transform.twins import PLANS, Recorder, seen, told, twins

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from scope.model import Trace

__all__ = ["engine", "pytest_generate_tests"]

pytestmark = pytest.mark.usefixtures("no_integrations")

# What is done to a generator or coroutine until it ends.
MOVES = st.lists(st.sampled_from(["next", "send", "throw", "close"]), max_size=6)


NOTES = 60

# From 3.13 on no tracer sees how a generator is closed that is suspended outside any block; a recorded one is in one.
SEES_CLOSING = sys.version_info < (3, 13)


class World:
    """What a program meets: where it notes what it does, managers, an awaitable, and fuel that runs out."""

    def __init__(self, module: ModuleType) -> None:
        self.notes: list[str] = []
        self._fuel = 5
        vars(module).update(note=self.note, fuel=self.fuel, pause=_Pause, managed=self.managed)

    def note(self, *values: object) -> int:
        if len(self.notes) == NOTES:
            raise RuntimeError("enough")
        self.notes.append(str(values))
        return len(self.notes) % 3

    def fuel(self) -> bool:
        self._fuel -= 1
        return self._fuel > 0

    def managed(self, swallows: bool) -> _Managed:
        return _Managed(self, swallows)


class _Pause:
    """Suspends once."""

    def __await__(self) -> Any:
        return (yield "paused")


class _Managed:
    def __init__(self, world: World, swallows: bool) -> None:
        self._world = world
        self._swallows = swallows

    def __enter__(self) -> int:
        return self._world.note("enter")

    def __exit__(self, kind: object, error: object, traceback: object) -> bool:
        self._world.note("exit", kind)
        return self._swallows and kind is not GeneratorExit

    async def __aenter__(self) -> int:
        await _Pause()
        return self.__enter__()

    async def __aexit__(self, *raised: object) -> bool:
        return self.__exit__(*raised)


def outcomes(module: ModuleType, functions: tuple[tuple[str, str], ...], moves: list[str]) -> list[object]:
    """Everything that calling each function shows."""
    shown: list[object] = []
    for name, _ in functions:
        world = World(module)
        gc.collect()  # or what was left of another call would be closed during this one
        result, events = seen(lambda name=name: driven(vars(module)[name](2, 0), moves))  # type: ignore[misc]
        steps = [_without_line(*event) for event in events if "line" not in event[0]]
        shown.append((name, str(result), world.notes, steps if SEES_CLOSING else []))
    return shown


def _without_line(event: str, line: int | None) -> tuple[str, int | None]:
    """A statement that returns an expression of several lines is left from the last of them, not from its first."""
    return (event, None) if event.startswith("return") else (event, line)


def driven(result: Any, moves: list[str]) -> list[str]:
    """What a call gave; a generator or coroutine is moved on as ``moves`` say, and then to its end."""
    if inspect.isasyncgen(result):
        result = _of_async(result)
    if not inspect.isgenerator(result) and not inspect.iscoroutine(result):
        return [repr(result)]
    steps: list[str] = []
    for move in [*moves, *["send"] * 30]:
        try:
            steps.append(repr(_moved(result, move, first=not steps)))
        except StopIteration as stop:
            steps.append(f"returned {stop.value!r}")
            break
        except Exception as error:  # noqa: BLE001 - it is the result
            steps += told(error)
            break
    result.close()
    return steps


def _moved(result: Any, move: str, *, first: bool) -> object:
    if move == "throw":
        return result.throw(KeyError("thrown"))
    if move == "close":
        return result.close()
    return result.send(None if first or move == "next" else "sent")


async def _of_async(generator: Any) -> list[object]:
    items = []
    async for item in generator:
        items.append(item)
        await _Pause()
    return items


def recorded(
    module: ModuleType, functions: tuple[tuple[str, str], ...], moves: list[str]
) -> tuple[list[object], Trace]:
    """The outcomes inside a request, and its trace."""
    with captured() as capture:
        request = _core.begin_request({"type": "http", "method": "GET", "path": "/", "headers": []}, b"x-id", False)
        assert request is not None
        before = request.activate()
        shown = outcomes(module, functions, moves)
        gc.collect()  # a traceback may still hold a generator that its consumer left
        after = _core.current_span_id()
        request.end(0)
        request.deactivate(before)
    assert after == request.span_id, "the request's own span is current again"
    return shown, capture.trace()


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """Generators in cycles are closed when it is their time, not when a counter says so."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(programs(), MOVES, st.sampled_from([*PLANS]))
@example(("async def f0(a, b=1):\n    yield a\n", (("f0", "async_generator"),)), ["next", "throw"], "timing")
def test_programs_do_the_same_recorded_as_not(
    program: tuple[str, tuple[tuple[str, str], ...]], moves: list[str], level: str
) -> None:
    source, functions = program
    if Recorder.tool is not None:  # deeper levels are those of transformed code, whatever the engine
        level = "values" if level != "timing" else level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of "assert (1, 2)", unawaited coroutines and the like
        try:
            compile(source, "<twin>", "exec")
        except SyntaxError:
            assume(False)  # a nonlocal of no function, two names for one
        plain, probed = twins(source, plan=PLANS[level])
        expected = outcomes(plain, functions, moves)
        assert outcomes(probed, functions, moves) == expected
        inside, trace = recorded(probed, functions, moves)
    assert inside == expected
    assert {span.status for _, span in trace.spans()} <= {"ok", "error", "cancelled"}, "every call has ended"


@pytest.mark.slow
@pytest.mark.monitored
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(programs(), MOVES)
def test_programs_leave_the_same_trace_with_each_engine(
    program: tuple[str, tuple[tuple[str, str], ...]], moves: list[str]
) -> None:
    source, functions = program
    traces = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<twin>", "exec")
        except SyntaxError:
            assume(False)
        tool = Recorder.tool
        for each in (tool, None):
            Recorder.tool = each
            _, trace = recorded(twins(source)[1], functions, moves)
            traces.append([(depth, span.name, span.status) for depth, span in trace.spans()])
        Recorder.tool = tool
    monitored, transformed = traces
    assert monitored == transformed
