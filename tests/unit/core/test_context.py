"""Which span is current: in tasks, in copies of a context, in threads."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest

from scope import Thread, annotate, current_request, probe, span
from scope.integrations.threads import carry
from scope.testing import captured
from tests.unit.core.steps import step, stride

from .inside import inside, named, outline, serve

pytestmark = pytest.mark.usefixtures("no_integrations")


OTHERS = [contextvars.ContextVar[int](f"other {number}") for number in range(64)]


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
