"""Spans as a block opens and closes them, and blocks in which nothing is captured."""

from __future__ import annotations

import asyncio
import contextvars
import warnings
from contextlib import ExitStack

import pytest

import scope
from scope import Thread, annotate, current_request, span, suppressed
from scope._core import current_span_id
from scope.testing import captured
from tests.unit.core.steps import step, stride

from .inside import inside, named, outline, serve

pytestmark = pytest.mark.usefixtures("no_integrations")


# --- spans -----------------------------------------------------------------------------------------------------------


def test_spans_nest_across_awaits() -> None:
    async def work() -> None:
        async with span("a"):
            await asyncio.sleep(0)
            with span("b"):
                await stride()
            step()

    assert outline(inside(work)) == ["a", "  b", "    stride", "      step", "  step"]


def test_a_span_entered_in_a_call_and_left_elsewhere_makes_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    def work() -> None:
        stack = ExitStack()
        contextvars.copy_context().run(stack.enter_context, span("early"))
        with span("late"):
            contextvars.copy_context().run(stack.close)
            step()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert outline(inside(work)) == ["early", "late", "  step"]
    assert caught == []
    assert caplog.records == []


def test_ending_a_span_that_is_no_longer_current_changes_nothing() -> None:
    def work() -> None:
        outer, inner = span("outer"), span("inner")
        outer.__enter__()
        inner.__enter__()
        outer.__exit__(None, None, None)
        step()
        inner.__exit__(None, None, None)

    assert outline(inside(work)) == ["outer", "  inner", "    step"]


def test_a_span_outside_any_request_is_a_trace_of_its_own() -> None:
    with captured() as capture:
        with span("nightly", table="orders"):
            step()
            with span("part"):
                pass
        step()
    trace = capture.trace()
    assert (trace.root.name, trace.request.kind, trace.request.state) == ("nightly", "task", "done")
    assert trace.root.attributes == {"table": "orders"}
    assert outline(trace) == ["step", "part"]


def test_a_span_object_used_again_ends_nothing_but_itself() -> None:
    """First outside any request, where it begins a trace, then inside one, where it must not end it."""
    again = span("again")
    with captured() as capture:
        with again:
            pass

        def work() -> None:
            with again:
                pass
            step()

        asyncio.run(serve(work))
    _, request = capture.traces()
    assert outline(request) == ["again", "step"]
    assert request.request.status == 200
    assert request.request.complete


def test_a_span_that_is_open_cannot_be_entered_again() -> None:
    def work() -> None:
        with span("once") as once, pytest.raises(RuntimeError, match="make a new one"):
            once.__enter__()

    assert outline(inside(work)) == ["once"]


def test_the_span_id_is_that_of_the_current_span() -> None:
    seen: list[str | None] = [current_span_id()]

    def work() -> None:
        with span("s") as current:
            seen.extend([current.span_id, current_span_id()])
        seen.append(current.span_id)

    trace = inside(work)
    here = named(trace, "s").span_id
    assert seen == [None, here, here, None]


def test_the_traceparent_names_the_current_span() -> None:
    seen: list[str] = []

    def work() -> None:
        request = current_request()
        assert request is not None
        seen.append(request.traceparent)
        with span("s"):
            seen.append(request.traceparent)

    trace = inside(work)
    ids = [trace.root.span_id, named(trace, "s").span_id]
    assert seen == [f"00-{trace.request.trace_id}-{span_id}-01" for span_id in ids]


# --- suppressed ------------------------------------------------------------------------------------------------------


def test_nothing_of_a_suppressed_block_is_captured() -> None:
    async def work() -> None:
        with span("before"):
            pass
        with suppressed():
            assert current_request() is None
            annotate(hidden=True)
            scope.mark("hidden")
            with span("hidden"):
                await asyncio.gather(stride(), stride())
            await asyncio.to_thread(step)
            thread = Thread(target=step)
            thread.start()
            thread.join()
            await serve(step)
        annotate(seen=True)
        step()

    trace = inside(work)
    assert outline(trace) == ["before", "step"]
    assert "hidden" not in trace.root.attributes
    assert trace.root.attributes["seen"] is True


def test_suppression_ends_with_the_block_however_it_ends() -> None:
    def work() -> None:
        with pytest.raises(KeyError), suppressed():
            raise KeyError
        with suppressed(), suppressed():
            step()
        step()

    assert outline(inside(work)) == ["step"]


def test_suppression_outside_a_request_keeps_spans_from_becoming_traces() -> None:
    with captured() as capture:
        with suppressed(), span("hidden"):
            pass
        with span("seen"):
            pass
    assert capture.trace().root.name == "seen"
