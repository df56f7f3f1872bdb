"""Which span is whose child, however the code gets about."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import warnings
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

import scope
from scope import Thread, annotate, current_request, probe, span, suppressed
from scope._core import current_span_id
from scope.integrations.threads import carry
from scope.testing import captured

from .inside import inside, named, outline, recorded, serve

pytestmark = pytest.mark.usefixtures("no_integrations")

OTHERS = [contextvars.ContextVar[int](f"other {number}") for number in range(64)]


@probe
def step() -> None:
    """Something that happens."""


@probe
async def stride() -> None:
    await asyncio.sleep(0)
    step()


# --- tasks -----------------------------------------------------------------------------------------------------------


def test_what_a_coroutine_calls_before_and_after_an_await_is_its_child() -> None:
    @probe
    async def outer() -> None:
        step()
        await stride()
        step()

    assert outline(inside(outer)) == ["outer", "  step", "  stride", "    step", "  step"]


def test_gathered_coroutines_are_children_of_whoever_gathers() -> None:
    async def work() -> None:
        with span("all"):
            await asyncio.gather(stride(), stride(), stride())
        step()

    assert outline(inside(work)) == ["all", *["  stride", "    step"] * 3, "step"]


def test_a_task_belongs_to_the_span_that_created_it_even_when_that_has_ended() -> None:
    async def work() -> None:
        with span("creator"):
            task = asyncio.create_task(stride())
        with span("later"):
            await task

    assert outline(inside(work)) == ["creator", "  stride", "    step", "later"]


def test_a_task_created_in_a_probed_function_is_that_functions_child() -> None:
    @probe
    def start() -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(stride())

    async def work() -> None:
        tasks = [start(), start()]
        step()
        await asyncio.gather(*tasks)

    assert outline(inside(work)) == ["start", "  stride", "    step", "start", "  stride", "    step", "step"]


def test_a_task_that_outlives_its_request_stays_in_it() -> None:
    async def work() -> None:
        ended = asyncio.Event()

        async def background() -> None:
            await ended.wait()
            await stride()

        tasks: list[asyncio.Task[None]] = []

        async def spawn() -> None:
            with span("spawn"):
                tasks.append(asyncio.create_task(background()))

        await serve(spawn)
        await serve(step)
        ended.set()
        await asyncio.gather(*tasks)

    with captured() as capture:
        asyncio.run(work())
    assert [outline(trace) for trace in capture.traces()] == [["spawn", "  stride", "    step"], ["step"]]


def test_a_callback_belongs_to_the_span_that_scheduled_it() -> None:
    async def work() -> None:
        with span("scheduler"):
            asyncio.get_running_loop().call_soon(step)
        await asyncio.sleep(0.01)

    assert outline(inside(work)) == ["scheduler", "  step"]


def test_two_tasks_in_one_context_see_each_others_spans() -> None:
    """As context variables do: it is one context, entered in turn."""

    async def work() -> None:
        shared = contextvars.copy_context()

        async def first() -> None:
            with span("first"):
                await asyncio.sleep(0)
                await asyncio.sleep(0)

        one = asyncio.create_task(first(), context=shared)
        two = asyncio.create_task(stride(), context=shared)
        await asyncio.gather(one, two)

    assert outline(inside(work)) == ["first", "  stride", "    step"]


def test_requests_side_by_side_know_nothing_of_each_other() -> None:
    async def work() -> None:
        async def one(number: int) -> None:
            for _ in range(3):
                with span("part"):
                    await asyncio.sleep(0)
                    annotate(number=number)
                    await asyncio.to_thread(annotate, threaded=number)

        await asyncio.gather(*(serve(partial(one, number)) for number in range(20)))

    with captured() as capture:
        asyncio.run(work())
    traces = capture.traces()
    assert len(traces) == 20
    for trace in traces:
        parts = [span.attributes for _, span in trace.spans()][1:]
        assert len(parts) == 3
        assert len({str(value) for attributes in parts for value in attributes.values()}) == 1


# --- copies of the context -------------------------------------------------------------------------------------------


def test_a_copied_context_keeps_the_span_of_its_making() -> None:
    @probe
    def keep() -> contextvars.Context:
        return contextvars.copy_context()

    def work() -> None:
        kept = keep()
        with span("other"):
            kept.run(step)
        kept.run(step)

    assert outline(inside(work)) == ["keep", "  step", "  step", "other"]


def test_what_a_copy_does_to_its_context_stays_in_it() -> None:
    def work() -> None:
        stack = ExitStack()
        copy = contextvars.copy_context()
        copy.run(stack.enter_context, span("inner"))
        step()
        copy.run(step)
        copy.run(stack.close)

    assert outline(inside(work)) == ["inner", "  step", "step"]


@pytest.mark.parametrize("others", [0, 1, 8, 24, 64])
def test_a_copy_that_went_its_own_way_in_a_thread_is_still_a_copy(others: int) -> None:
    """However the mapping that a context is shares what two contexts have in common."""

    @probe
    def busy(go_on: threading.Event, done: threading.Event) -> None:
        go_on.set()
        assert done.wait(5)

    def work() -> None:
        for variable in OTHERS[:others]:
            variable.set(0)
        for variable in OTHERS[: others or 1]:
            with span("giver"):
                changed, go_on, done = threading.Event(), threading.Event(), threading.Event()

                def elsewhere() -> None:
                    variable.set(1)  # noqa: B023 - the thread ends within the turn
                    changed.set()  # noqa: B023
                    assert go_on.wait(5)  # noqa: B023
                    step()
                    done.set()  # noqa: B023

                thread = Thread(target=elsewhere)
                thread.start()
                assert changed.wait(5)
                busy(go_on, done)
                thread.join()

    trace = inside(lambda: contextvars.copy_context().run(work))
    givers = trace.root.children
    assert [sorted(child.name.rpartition(".")[2] for child in giver.children) for giver in givers] == [
        ["busy", "step"]
    ] * max(others, 1)


def test_a_copy_made_in_a_call_keeps_that_call_while_the_giver_goes_on() -> None:
    @probe
    def give(threads: list[Thread], go_on: threading.Event) -> None:
        changed = threading.Event()

        def elsewhere() -> None:
            OTHERS[0].set(1)
            changed.set()
            assert go_on.wait(5)
            step()

        threads.append(Thread(target=elsewhere))
        threads[0].start()
        assert changed.wait(5)

    def work() -> None:
        go_on, threads = threading.Event(), list[Thread]()
        give(threads, go_on)
        go_on.set()
        threads[0].join()

    assert outline(inside(work)) == ["give", "  step"]


def test_variables_that_are_set_back_from_a_copy_change_nothing() -> None:
    """As asgiref does, when a call in a thread has ended."""

    @probe
    def call() -> None:
        context = contextvars.copy_context()
        context.run(step)
        for variable in context:
            variable.set(context[variable])
        step()

    def work() -> None:
        OTHERS[0].set(1)
        call()
        step()

    assert outline(inside(work)) == ["call", "  step", "  step", "step"]


# --- threads ---------------------------------------------------------------------------------------------------------


def test_to_thread_is_part_of_the_span_that_awaits_it() -> None:
    async def work() -> None:
        with span("caller"):
            await asyncio.to_thread(step)

    trace = inside(work)
    assert outline(trace) == ["caller", "  step"]
    assert (named(trace, "caller").thread, named(trace, "step").thread) == ("MainThread", "asyncio_0")


def test_a_thread_of_ours_works_for_the_request_that_started_it() -> None:
    def work() -> None:
        with span("starter"):
            thread = Thread(target=step)
            thread.start()
        thread.join()

    assert outline(inside(work)) == ["starter", "  step"]


def test_a_bare_thread_belongs_to_no_request() -> None:
    seen: list[object] = []

    def bare() -> None:
        seen.append(current_request())
        step()

    def work() -> None:
        thread = threading.Thread(target=bare)
        thread.start()
        thread.join()

    assert outline(inside(work)) == []
    assert seen == [None]


@pytest.mark.parametrize("carried", [False, True])
def test_an_executor_carries_the_request_only_where_it_is_wrapped(carried: bool) -> None:
    async def work() -> None:
        with span("submitter"):
            await asyncio.get_running_loop().run_in_executor(None, carry(step) if carried else step)

    assert outline(inside(work)) == ["submitter", *(["  step"] if carried else [])]


def test_a_pools_thread_forgets_each_request() -> None:
    with ThreadPoolExecutor(1) as pool:

        async def work() -> None:
            await asyncio.get_running_loop().run_in_executor(pool, carry(step))
            await asyncio.get_running_loop().run_in_executor(pool, step)

        assert outline(inside(work)) == ["step"]


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


# --- generators ------------------------------------------------------------------------------------------------------


@probe
def numbers(count: int) -> Generator[int, None, None]:
    with span("lifetime"):
        for number in range(count):
            step()
            yield number


def test_what_a_probed_generator_does_is_its_own_and_what_its_consumer_does_is_not() -> None:
    def work() -> None:
        with span("consumer"):
            for _ in numbers(2):
                with span("item"):
                    pass

    assert outline(inside(work)) == [
        "consumer",
        "  numbers",
        "    lifetime",
        "      step",
        "      step",
        *["  item"] * 2,
    ]


def test_two_probed_generators_taken_in_turn_stay_apart() -> None:
    def work() -> None:
        for _ in zip(numbers(2), numbers(2), strict=True):
            step()

    part = ["numbers", "  lifetime", "    step", "    step"]
    assert outline(inside(work)) == [*part, *part, "step", "step"]


def test_a_generator_that_another_request_takes_on_leaves_it_its_context() -> None:
    """What it does there is that request's, and its own span is still ended once."""
    shared: list[Generator[int, None, None]] = []

    @probe
    def ids() -> Generator[int, None, None]:
        for number in range(3):
            annotate(**{f"given {number}": number})
            step()
            yield number

    def first() -> None:
        shared.append(ids())
        next(shared[0])

    def second() -> None:
        with span("mine"):
            next(shared[0])
            step()
        assert current_request() is not None
        assert list(shared[0]) == [2]
        step()

    async def both() -> None:
        await serve(first)
        await serve(second)

    with captured() as capture:
        asyncio.run(both())
    one, two = capture.traces()
    assert outline(one) == ["ids", "  step"]
    assert named(one, "ids").attributes == {"given 0": 0}
    assert named(one, "ids").status == "ok"
    assert outline(two) == ["mine", "  step", "  step", "step", "step"]
    assert two.root.attributes["given 2"] == 2


def test_a_generator_taken_on_under_suppression_does_not_end_it() -> None:
    def work() -> None:
        items = numbers(3)
        next(items)
        with suppressed():
            next(items)
            step()
            assert current_request() is None
        assert list(items) == [2]

    assert outline(inside(work)) == ["numbers", "  lifetime", "    step", "    step"]


def test_a_generator_begun_outside_any_request_belongs_to_none() -> None:
    @probe
    def endless() -> Generator[None, None, None]:
        while True:
            step()
            yield

    items = endless()
    with captured() as capture:
        next(items)
        asyncio.run(serve(lambda: next(items)))
        asyncio.run(serve(lambda: next(items)))
        items.close()
    assert [outline(trace) for trace in capture.traces()] == [["step"], ["step"]]


def test_a_generator_closed_elsewhere_is_ended_without_noise(caplog: pytest.LogCaptureFixture) -> None:
    left: list[Generator[int, None, None]] = []

    def work() -> None:
        left.append(numbers(3))
        next(left[0])

    with captured() as capture:
        asyncio.run(serve(work))
        contextvars.copy_context().run(left[0].close)
        step()
    trace = capture.trace()
    assert outline(trace) == ["numbers", "  lifetime", "    step"]
    assert {span.status for _, span in trace.spans()} == {"ok", "cancelled"}
    assert caplog.records == []


def test_a_generator_that_is_collected_is_ended() -> None:
    def work() -> None:
        next(numbers(3))
        gc.collect()
        step()

    trace = inside(work)
    assert outline(trace) == ["numbers", "  lifetime", "    step", "step"]
    assert named(trace, "numbers").status == "cancelled"


def test_a_plain_generator_shares_its_consumers_context() -> None:
    """As context variables do: a span open across a yield is current for the consumer until it is closed."""

    @contextmanager
    def transaction() -> Generator[None, None, None]:
        with span("transaction"):
            yield

    def work() -> None:
        with transaction():
            step()
        step()

    assert outline(inside(work)) == ["transaction", "  step", "step"]


def test_an_async_generator_is_its_own_span_and_its_consumer_is_not_in_it() -> None:
    @probe
    async def rows() -> AsyncGenerator[int, None]:
        async with span("query"):
            for number in range(2):
                await stride()
                yield number

    async def work() -> None:
        async for _ in rows():
            await asyncio.sleep(0)
            step()

    trace = inside(work)
    assert outline(trace) == ["rows", "  query", *["    stride", "      step"] * 2, "step", "step"]
    assert {span.status for _, span in trace.spans()} == {"ok"}


def test_an_async_generator_that_is_left_is_closed_by_the_loop_without_noise(caplog: pytest.LogCaptureFixture) -> None:
    left: list[AsyncGenerator[int, None]] = []

    @probe
    async def rows() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            step()

    async def work() -> None:
        left.append(rows())
        await anext(left[0])

    trace = recorded(work).trace()
    assert outline(trace) == ["rows", "  step"]
    assert named(trace, "rows").status == "cancelled"
    assert caplog.records == []


@pytest.mark.parametrize("close", [True, False])
def test_one_async_generator_can_be_taken_by_several_tasks(close: bool) -> None:
    @probe
    async def queue() -> AsyncGenerator[int, None]:
        for number in range(4):
            await stride()
            yield number

    async def work() -> None:
        items = queue()

        async def take() -> None:
            with span("taker"):
                await anext(items)
                step()

        for _ in range(3):
            await asyncio.create_task(take())
        if close:
            await items.aclose()

    trace = inside(work)
    assert outline(trace) == [
        "taker", "  queue", *["    stride", "      step"] * 3, "  step", "taker", "  step", "taker", "  step",
    ]  # fmt: skip


def test_the_request_before_is_current_again_after_one_within() -> None:
    """As when a test client is used inside a span, or one application calls another."""

    async def work() -> None:
        with span("caller"):
            await serve(step)
            step()

    with captured() as capture:
        asyncio.run(serve(work))
    outer, inner = capture.traces()
    assert outline(outer) == ["caller", "  step"]
    assert outline(inner) == ["step"]
