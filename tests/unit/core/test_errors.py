"""Exceptions: pass unchanged, are told apart, and are recorded once, where they first leave a span."""

from __future__ import annotations

import asyncio
import gc
import pickle
import sys
import traceback
import weakref
from collections.abc import AsyncGenerator, Callable, Generator

import pytest

from scope import annotate, probe, span
from scope._core import record_error, set_describe
from scope.model import Event, EventType, Trace
from scope.testing import captured
from scope.wire import fields

from .inside import inside, named, recorded, serve

pytestmark = pytest.mark.usefixtures("no_integrations")


class Odd(Exception):
    """What a test raises."""


@probe
def fail(error: BaseException | type[BaseException]) -> None:
    raise error


def errors(trace: Trace) -> dict[str, str]:
    """The exceptions that left spans, by the span's own name."""
    left = ((span.name.rpartition(".")[2], span.exception) for _, span in trace.spans())
    return {name: error.type.rpartition(".")[2] for name, error in left if error is not None}


def caught(work: Callable[[], object], kind: type[BaseException]) -> BaseException:
    try:
        work()
    except kind as error:
        return error
    raise AssertionError("nothing was raised")


# --- unchanged -------------------------------------------------------------------------------------------------------


def test_the_same_exception_comes_out_of_every_kind_of_probe() -> None:
    error = Odd("as it was", 3)
    seen: list[BaseException] = []

    @probe
    async def coroutine() -> None:
        fail(error)

    @probe
    def generator() -> Generator[None, None, None]:
        fail(error)
        yield

    @probe
    async def async_generator() -> AsyncGenerator[None, None]:
        fail(error)
        yield

    async def each() -> None:
        for failing in (coroutine(), anext(async_generator())):
            try:
                await failing
            except Odd as raised:
                seen.append(raised)
        seen.append(caught(lambda: next(generator()), Odd))
        with pytest.raises(Odd) as info, span("block"):
            raise error
        seen.append(info.value)

    inside(each)
    assert seen == [error] * 4
    assert all(raised is error for raised in seen)
    assert error.args == ("as it was", 3)
    assert vars(error) == {}
    assert error.__cause__ is None
    assert error.__context__ is None


def test_the_traceback_leads_from_the_caller_to_where_it_was_raised() -> None:
    found: list[str] = []

    def work() -> None:
        try:
            fail(Odd())
        except Odd as error:
            found.extend(frame.name for frame in traceback.extract_tb(error.__traceback__))

    inside(work)
    assert found == ["work", "fail"]


def test_an_exception_under_way_survives_spans_that_end_meanwhile() -> None:
    def work() -> None:
        try:
            raise KeyError("first")
        except KeyError:
            with pytest.raises(Odd) as info:
                fail(Odd())
            assert isinstance(info.value.__context__, KeyError)
            assert isinstance(sys.exc_info()[1], KeyError)
            raise

    with pytest.raises(KeyError, match="first"):
        inside(work)


def test_a_recorded_exception_can_still_be_pickled() -> None:
    kept: list[BaseException] = []
    inside(lambda: kept.append(caught(lambda: fail(Odd(1)), Odd)))
    assert pickle.loads(pickle.dumps(kept[0])).args == (1,)


def test_a_recorded_exception_and_its_frames_are_freed_when_it_is_handled() -> None:
    class Held:
        pass

    gone: list[weakref.ref[Held]] = []

    @probe
    def hold() -> None:
        held = Held()
        gone.append(weakref.ref(held))
        raise Odd

    def work() -> None:
        gc.disable()
        try:
            caught(hold, Odd)
            assert gone[0]() is None
        finally:
            gc.enable()

    inside(work)


# --- once ------------------------------------------------------------------------------------------------------------


def test_an_exception_is_recorded_where_it_first_leaves_a_span() -> None:
    @probe
    def outer() -> None:
        with span("block"):
            fail(Odd())

    trace = inside(lambda: caught(outer, Odd))
    assert errors(trace) == {"fail": "Odd"}
    assert [span.status for _, span in trace.spans()] == ["ok", "error", "error", "error"]
    assert trace.request.errors == 1


@pytest.mark.parametrize("error", [Odd, Odd(), AssertionError, TimeoutError, Odd("with a message")])
def test_like_exceptions_one_after_the_other_are_recorded_each(error: BaseException | type[BaseException]) -> None:
    """A new one is often where the old one was in memory, and without arguments they are equal in everything."""

    def work() -> None:
        for number in range(5):
            with pytest.raises((Odd, AssertionError, TimeoutError)), span(f"try {number}"):
                raise error if isinstance(error, type) else type(error)(*error.args)

    trace = inside(work)
    assert len(errors(trace)) == 5
    assert trace.request.errors == 5


def test_one_raised_again_after_it_was_handled_is_not_recorded_again() -> None:
    def work() -> None:
        error = Odd()
        for _ in range(3):
            with pytest.raises(Odd):
                fail(error)

    assert len([event for event in recorded(work).events() if event.type is EventType.EXCEPTION]) == 1


def test_one_that_ends_the_request_is_named_on_the_request_too_and_counted_once() -> None:
    with captured() as capture, pytest.raises(Odd):
        asyncio.run(serve(lambda: fail(Odd("why"))))
    trace = capture.trace()
    assert errors(trace) == {"GET /work": "Odd", "fail": "Odd"}
    assert trace.request.errors == 1
    assert (trace.request.outcome, trace.request.status) == ("exception", 500)
    assert (trace.request.error or "").endswith("Odd")
    first = named(trace, "fail").exception
    assert first is not None
    assert [frame.function for frame in first.frames][-1] == "fail"
    assert trace.root.exception is not None
    assert trace.root.exception.frames == ()


def test_a_handled_exception_is_recorded_on_the_current_span_without_failing_it() -> None:
    def work() -> None:
        with span("handler"):
            record_error(Odd("handled"))

    trace = inside(work)
    found = named(trace, "handler")
    assert found.exception is not None
    assert (found.exception.message, found.exception.escaped, found.status) == ("handled", False, "ok")


def test_recording_something_that_is_no_exception_does_nothing() -> None:
    def work() -> None:
        for nothing in (None, "text", Odd):
            record_error(nothing)  # type: ignore[arg-type]

    record_error(Odd())
    assert errors(inside(work)) == {}


# --- what kind of end ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "recorded"),
    [
        (Odd(), "error", True),
        (KeyboardInterrupt(), "error", True),
        (SystemExit(3), "error", True),
        (ExceptionGroup("several", [Odd()]), "error", True),
        (GeneratorExit(), "cancelled", False),
        (asyncio.CancelledError(), "cancelled", False),
        (StopIteration(1), "ok", False),
        (StopAsyncIteration(), "ok", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_how_a_span_ended_follows_from_what_left_it(error: BaseException, status: str, recorded: bool) -> None:
    def work() -> None:
        for failing in (lambda: fail(error), lambda: _raise_in_block(error)):
            assert caught(failing, type(error)) is error

    trace = inside(work)
    assert (named(trace, "fail").status, named(trace, "block").status) == (status, status)
    assert ("fail" in errors(trace)) == recorded


def _raise_in_block(error: BaseException) -> None:
    with span("block"):
        raise error


def test_a_cancelled_task_ends_as_cancelled_without_an_error() -> None:
    @probe
    async def wait() -> None:
        with span("inner"):
            await asyncio.sleep(10)

    async def work() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    trace = inside(work)
    assert [span.status for _, span in trace.spans()][1:] == ["cancelled", "cancelled"]
    assert trace.request.errors == 0


# --- describing ------------------------------------------------------------------------------------------------------


def described(describe: Callable[[BaseException], object]) -> list[Event]:
    """The EXCEPTION events of a request in which ``describe`` was asked about one."""

    def work() -> None:
        set_describe(describe)  # type: ignore[arg-type]
        caught(lambda: fail(Odd("message")), Odd)

    return [event for event in recorded(work).events() if event.type is EventType.EXCEPTION]


def _raises(error: BaseException) -> object:
    raise OSError(error)


@pytest.mark.parametrize("answer", [None, ("a",), (1, 2, []), (), "text"], ids=repr)
def test_a_description_that_is_none_costs_the_event_and_nothing_else(answer: object) -> None:
    assert described(lambda _: answer) == []


def test_a_description_that_fails_costs_the_event_and_nothing_else() -> None:
    assert described(_raises) == []


@pytest.mark.parametrize(
    "frames",
    [None, (), [()], [("f", "g", 1)], ["text"], [(1, 2, 3, 4)], [("f", "g", -1, True)], [("f", "g", "x", 0)]],
    ids=repr,
)
def test_frames_that_are_none_are_left_out_or_empty(frames: object) -> None:
    (event,) = described(lambda _: ("Type", "message", frames))
    assert (fields.text(event, "type"), fields.text(event, "message")) == ("Type", "message")
    assert len(fields.frames(event)) <= 1


def test_frames_are_kept_as_far_as_they_fit() -> None:
    (event,) = described(lambda _: ("Type", "m" * 9000, [("f" * 300, "g" * 300, line, True) for line in range(200)]))
    frames = fields.frames(event)
    assert 0 < len(frames) <= 64
    assert [frame.line for frame in frames] == [*range(len(frames))]
    assert len(fields.text(event, "message")) <= 1024


def test_without_a_describer_spans_still_tell_that_they_failed() -> None:
    def work() -> None:
        set_describe(None)
        caught(lambda: fail(Odd()), Odd)

    trace = inside(work)
    assert named(trace, "fail").status == "error"
    assert errors(trace) == {}


def test_an_exception_that_annotates_while_it_is_described_harms_nothing() -> None:
    class Busy(Exception):
        def __str__(self) -> str:
            annotate(described=True)
            with pytest.raises(Odd):
                fail(Odd())
            return "busy"

    trace = inside(lambda: caught(lambda: fail(Busy()), Busy))
    said = [span.exception.message for _, span in trace.spans() if span.exception is not None]
    assert sorted(said) == ["", "busy"]
