"""An application that runs as a request is awaited, thrown into, closed and dropped as by itself."""

from __future__ import annotations

import asyncio
import gc
import types
from typing import TYPE_CHECKING, Any

import pytest

from scope import current_request
from scope._core import REQUEST_KEY, Tracer
from scope.testing import captured

from .inside import http, receive, send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator

    from scope.testing import Capture

TRACER = Tracer(b"x-request-id", True)


@types.coroutine
def pause(value: object) -> Generator[object, object, object]:
    return (yield value)


def exchange(app: Any, scope: dict[str, Any] | None = None) -> Any:
    return TRACER(app, http() if scope is None else scope, receive, send)


def outcome(capture: Capture) -> tuple[str, str | None]:
    request = capture.trace().request
    return request.state, request.outcome


async def waits(scope: Any, receive: Any, send: Any) -> Any:
    return await pause("first")


def test_what_is_sent_in_reaches_the_application_and_what_it_returns_comes_out() -> None:
    with captured() as capture:
        running = exchange(waits)
        assert running.send(None) == "first"
        with pytest.raises(StopIteration) as stop:
            running.send("answer")
    assert stop.value.value == "answer"
    assert outcome(capture) == ("done", "ok")


def test_nothing_begins_before_the_first_step() -> None:
    scope = http()
    with captured() as capture:
        running = exchange(waits, scope)
        assert REQUEST_KEY not in scope
        running.close()
        with pytest.raises(RuntimeError, match="already awaited"):
            running.send(None)
        running = exchange(waits)
        with pytest.raises(KeyError, match="early"):
            running.throw(KeyError("early"))
        with pytest.raises(RuntimeError, match="already awaited"):
            next(running)
    assert capture.traces() == []


@pytest.mark.parametrize(("given", "raised"), [((KeyError,), KeyError), ((KeyError, "x"), KeyError), ((3,), TypeError)])
def test_what_is_thrown_before_the_first_step_is_raised(given: tuple[Any, ...], raised: type[Exception]) -> None:
    with captured() as capture, pytest.raises(raised):
        exchange(waits).throw(*given)
    assert capture.traces() == []


@pytest.mark.parametrize("thrown", [OSError("o"), asyncio.CancelledError()])
def test_what_is_thrown_in_passes_through_the_application_and_ends_the_request(thrown: BaseException) -> None:
    with captured() as capture:
        running = exchange(waits)
        running.send(None)
        with pytest.raises(type(thrown)) as caught:
            running.throw(thrown)
        assert current_request() is None
    assert caught.value is thrown
    assert outcome(capture) == ("done", "exception" if isinstance(thrown, OSError) else "cancelled")


def test_an_application_that_swallows_what_is_thrown_goes_on() -> None:
    async def stubborn(scope: Any, receive: Any, send: Any) -> Any:
        try:
            await pause("first")
        except OSError:
            return await pause("second")
        return None

    with captured() as capture:
        running = exchange(stubborn)
        running.send(None)
        assert running.throw(OSError()) == "second"
        with pytest.raises(StopIteration):
            running.send(None)
    assert outcome(capture) == ("done", "ok")


def test_an_application_that_answers_a_throw_by_returning_has_ended() -> None:
    async def calm(scope: Any, receive: Any, send: Any) -> Any:
        try:
            await pause("first")
        except OSError:
            return "calm"
        return None

    with captured() as capture:
        running = exchange(calm)
        running.send(None)
        with pytest.raises(StopIteration) as stop:
            running.throw(OSError())
    assert stop.value.value == "calm"
    assert outcome(capture) == ("done", "ok")


def test_closing_closes_the_application_and_cancels_the_request() -> None:
    with captured() as capture:
        running = exchange(waits)
        running.send(None)
        running.close()
        running.close()
    assert outcome(capture) == ("done", "cancelled")


def test_what_an_application_raises_while_it_is_closed_comes_through() -> None:
    async def rude(scope: Any, receive: Any, send: Any) -> None:
        try:
            await pause("first")
        finally:
            raise OSError("rude")

    with captured() as capture:
        running = exchange(rude)
        running.send(None)
        with pytest.raises(OSError, match="rude"):
            running.close()
    assert outcome(capture) == ("done", "exception")


def test_one_that_is_dropped_while_it_waits_is_closed() -> None:
    closed: list[bool] = []

    async def tidy(scope: Any, receive: Any, send: Any) -> None:
        try:
            await pause("first")
        finally:
            closed.append(True)

    with captured() as capture:
        running = exchange(tidy)
        running.send(None)
        del running
        gc.collect()
    assert closed == [True]
    assert outcome(capture) == ("done", "cancelled")


def test_one_in_a_cycle_is_collected() -> None:
    ring: list[Any] = []

    async def held(scope: Any, receive: Any, send: Any) -> None:
        ring_of_mine = ring
        await pause(ring_of_mine)

    with captured() as capture:
        running = exchange(held)
        running.send(None)
        scope = running.cr_frame.f_locals["scope"]
        ring.append(running)
        ring.append(ring)
        del running
        ring = []
        gc.collect()
    assert scope[REQUEST_KEY].id == capture.trace().request.id


def test_it_cannot_be_stepped_from_within() -> None:
    found: list[Any] = []

    async def curious(scope: Any, receive: Any, send: Any) -> None:
        for method in (found[0].send, found[0].throw, lambda _: found[0].close()):
            with pytest.raises(ValueError, match="already executing"):
                method(OSError())

    with captured() as capture:
        found.append(exchange(curious))
        with pytest.raises(StopIteration):
            found[0].send(None)
    assert outcome(capture) == ("done", "ok")


def test_an_application_that_raises_before_it_is_awaited_fails_its_request() -> None:
    def broken(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        raise OSError("at once")

    with captured() as capture, pytest.raises(OSError, match="at once"):
        exchange(broken).send(None)
    assert outcome(capture) == ("done", "exception")


@pytest.mark.parametrize("result", [None, 3, "text"])
def test_an_application_that_gives_nothing_to_await_is_told_so(result: object) -> None:
    with captured() as capture, pytest.raises(TypeError, match="can't be used in 'await' expression"):
        exchange(lambda *_: result).send(None)
    assert outcome(capture) == ("done", "exception")


def test_an_application_may_be_a_generator_made_a_coroutine() -> None:
    @types.coroutine
    def old(scope: Any, receive: Any, send: Any) -> Generator[object, object, object]:
        return (yield "old")

    def plain(scope: Any, receive: Any, send: Any) -> Any:
        yield "no coroutine"

    with captured() as capture:
        running = exchange(old)
        assert running.send(None) == "old"
        with pytest.raises(StopIteration):
            running.send(None)
        with pytest.raises(TypeError, match="generator can't be used"):
            exchange(plain).send(None)
    assert [trace.request.outcome for trace in capture.traces()] == ["ok", "exception"]


def test_a_scope_that_is_excluded_or_traced_runs_as_it_is() -> None:
    choosy = Tracer(b"x-request-id", True, lambda scope: scope["path"] == "/health")
    with captured() as capture:
        running: Any = choosy(waits, http(path="/health"), receive, send)
        assert isinstance(running, types.CoroutineType)
        running.close()
        running = choosy(waits, {**http(), REQUEST_KEY: None}, receive, send)
        assert isinstance(running, types.CoroutineType)
        running.close()
    assert capture.traces() == []


def test_it_settles_before_the_first_exchange_and_a_fault_in_that_costs_no_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settled: list[bool] = []
    told: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: told.append(unraisable.exc_type))

    def settle() -> None:
        settled.append(True)
        raise OSError("unsettled")

    tracer = Tracer(b"x-request-id", True, None, settle)
    with captured() as capture:
        tracer(waits, {**http(), REQUEST_KEY: None}, receive, send).close()  # type: ignore[attr-defined]
        assert settled == []
        for _ in range(2):
            running: Any = tracer(waits, http(), receive, send)
            running.send(None)
            running.close()
    assert (settled, told, len(capture.traces())) == ([True], [OSError], 2)


def test_a_faulty_call_is_refused() -> None:
    broken = Tracer(b"x-request-id", True, lambda scope: 1 / 0 > 0)
    with pytest.raises(ZeroDivisionError):
        broken(waits, http(), receive, send)
    with pytest.raises(TypeError, match="by position"):
        TRACER(waits, http(), receive)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Tracer("text", True)  # type: ignore[arg-type]


def test_tools_see_the_coroutine_of_the_application() -> None:
    with captured():
        running = exchange(waits)
        with pytest.raises(AttributeError):
            _ = running.cr_frame
        running.send(None)
        assert running.cr_code is waits.__code__
        running.close()
