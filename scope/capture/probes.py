"""``probe``: records the calls of one function, whatever kind of function it is."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, overload

from .._core import Probe, activation, define_code

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")
Method = TypeVar("Method", bound="staticmethod[Any, Any] | classmethod[Any, Any, Any]")

FUNCTION, COROUTINE, GENERATOR, ASYNC_GENERATOR = range(4)


@overload
def probe(function: Method, /) -> Method: ...  # type: ignore[overload-overlap]  # a descriptor stays one
@overload
def probe(function: Callable[Parameters, Returned], /) -> Callable[Parameters, Returned]: ...
def probe(function: Any, /) -> Any:
    """Record every call of ``function`` within a request: entry, exit, exception, and what it called in turn.

    For functions, coroutine functions, generators, async generators and methods of all kinds; the decorator may stand
    above or below ``@staticmethod`` and ``@classmethod``. What comes back behaves and introspects as ``function`` does.
    Outside a request a call costs next to nothing. Raises TypeError for what cannot be called.
    """
    if isinstance(function, staticmethod | classmethod):
        descriptor = cast("Any", function)
        return type(descriptor)(probe(descriptor.__func__))
    if isinstance(function, type) or not callable(function):
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(f"probe() takes a function or method, not {name}: decorate its methods instead")
    if inspect.iscoroutinefunction(function):
        return _coroutine(function)
    if inspect.isasyncgenfunction(function):
        return _async_generator(function)
    if inspect.isgeneratorfunction(function):
        return _generator(function)
    wrapped = Probe(function, _site(function, FUNCTION))
    return functools.update_wrapper(wrapped, function)


def _site(function: Callable[..., object], kind: int) -> int:
    """The number of the function's definition; a callable without code is placed where it can be."""
    plain = inspect.unwrap(function)
    code = getattr(plain, "__code__", None)
    qualname = str(getattr(plain, "__qualname__", type(plain).__qualname__))
    module = str(getattr(plain, "__module__", "") or "")
    if code is None:
        return define_code(module, qualname, "", 0, kind)
    return define_code(module, qualname, code.co_filename, code.co_firstlineno, kind)


def _coroutine(function: Callable[Parameters, Awaitable[Returned]]) -> Callable[Parameters, Awaitable[Returned]]:
    site = _site(function, COROUTINE)

    @functools.wraps(function)
    async def probed(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        with activation(site):
            return await function(*args, **kwargs)

    return probed


def _generator(
    function: Callable[Parameters, Generator[Any, Any, Returned]],
) -> Callable[Parameters, Generator[Any, Any, Returned]]:
    site = _site(function, GENERATOR)

    @functools.wraps(function)
    def probed(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Generator[Any, Any, Returned]:
        steps = _Steps(site)
        generator = function(*args, **kwargs)
        step: Callable[[], Any] = functools.partial(next, generator)
        while True:
            outer = steps.resume()
            try:
                item = step()
            except StopIteration as stop:
                steps.finish(outer, None)
                return cast("Returned", stop.value)
            except BaseException as error:
                steps.finish(outer, error)
                raise
            steps.suspend(outer)
            try:
                sent = yield item
            except GeneratorExit as closing:
                _close(generator, steps, closing)
                raise
            except BaseException as error:
                step = functools.partial(generator.throw, error)
            else:
                step = functools.partial(generator.send, sent)

    return probed


def _close(generator: Generator[Any, Any, Any], steps: _Steps, closing: GeneratorExit) -> None:
    """Close ``generator`` as its own span, so that what its ``finally`` does is its child."""
    outer = steps.resume()
    try:
        generator.close()
    except BaseException as error:
        steps.finish(outer, error)
        raise
    steps.finish(outer, closing)


def _async_generator(
    function: Callable[Parameters, AsyncGenerator[Any, Any]],
) -> Callable[Parameters, AsyncGenerator[Any, Any]]:
    site = _site(function, ASYNC_GENERATOR)

    @functools.wraps(function)
    async def probed(*args: Parameters.args, **kwargs: Parameters.kwargs) -> AsyncGenerator[Any, Any]:
        steps = _Steps(site)
        generator = function(*args, **kwargs)
        step: Callable[[], Awaitable[Any]] = functools.partial(_first, generator)
        while True:
            outer = steps.resume()
            try:
                item = await step()
            except StopAsyncIteration:
                steps.finish(outer, None)
                return
            except BaseException as error:
                steps.finish(outer, error)
                raise
            steps.suspend(outer)
            try:
                sent = yield item
            except GeneratorExit as closing:
                await _aclose(generator, steps, closing)
                raise
            except BaseException as error:
                step = functools.partial(generator.athrow, error)
            else:
                step = functools.partial(generator.asend, sent)

    return probed


def _first(generator: AsyncGenerator[Any, Any]) -> Awaitable[Any]:
    """Its first step, unseen by the event loop: it would close ``generator`` by itself, while the wrapper does so."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return anext(generator)
    finally:
        sys.set_asyncgen_hooks(*hooks)


async def _aclose(generator: AsyncGenerator[Any, Any], steps: _Steps, closing: GeneratorExit) -> None:
    """As :func:`_close`, for an async generator."""
    outer = steps.resume()
    try:
        await generator.aclose()
    except BaseException as error:
        steps.finish(outer, error)
        raise
    steps.finish(outer, closing)


class _Steps:
    """The span of one generator: current while its body runs, nobody's while it is suspended."""

    __slots__ = ("_span",)

    def __init__(self, site: int) -> None:
        self._span = activation(site)

    def resume(self) -> object:
        return self._span.resume()

    def suspend(self, outer: object) -> None:
        self._span.suspend(outer)

    def finish(self, outer: object, error: BaseException | None) -> None:
        self._span.suspend(outer)
        self._span.finish(error)
