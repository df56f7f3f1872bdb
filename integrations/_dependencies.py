"""FastAPI's dependencies: a span for each call, and for those that yield, one up to there and one for the teardown.

FastAPI awaits an asynchronous dependency on the spot, where nothing can come between, and gives every other one to
``run_in_threadpool``. So in a traced request no dependency is said to be asynchronous, and all of them come through
that one door, where the asynchronous ones are awaited.
"""

# pyright: reportPrivateUsage=false
# FastAPI has no public place to hook in where a dependency is called.
from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fastapi.dependencies import utils
from fastapi.dependencies.models import _is_coroutine_callable

from .._core import Span, current_request
from ..model import SpanKind
from ._naming import name_of
from ._wrappers import like_coroutine_function

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager, AsyncExitStack
    from types import TracebackType

    from ._patches import Patches

__all__ = ["trace_dependencies"]

_DEPENDENCY: Final = int(SpanKind.DEPENDENCY)


def trace_dependencies(patches: Patches) -> None:
    """Put spans around all dependencies, overrides included."""
    patches.replace(utils, "_is_coroutine_callable", _lead_to_one_door)
    patches.replace(utils, "run_in_threadpool", _trace_call)
    patches.replace(utils, "_solve_generator", _trace_generator)


def _lead_to_one_door(original: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def is_coroutine_callable(call: Any) -> bool:
        return current_request() is None and original(call)

    return is_coroutine_callable


def _trace_call(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def run(call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if _is_coroutine_callable(call):
            with Span(name_of(call), _DEPENDENCY):
                return await call(*args, **kwargs)
        if current_request() is None:
            return await original(call, *args, **kwargs)
        return await original(partial(_run, name_of(call), call), *args, **kwargs)

    return run


def _run(name: str, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    with Span(name, _DEPENDENCY):
        return call(*args, **kwargs)


def _trace_generator(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    def solve(*, dependant: Any, stack: AsyncExitStack, **others: Any) -> Awaitable[Any]:
        if current_request() is None:
            return original(dependant=dependant, stack=stack, **others)
        return original(dependant=dependant, stack=_Stack(stack, name_of(dependant.call)), **others)

    return like_coroutine_function(solve)


class _Stack:
    """The exit stack that a dependency is entered on, with spans put around its two halves."""

    __slots__ = ("_name", "_stack")

    def __init__(self, stack: AsyncExitStack, name: str) -> None:
        self._stack = stack
        self._name = name

    def enter_async_context(self, dependency: AbstractAsyncContextManager[Any]) -> Awaitable[Any]:
        return self._stack.enter_async_context(_Halves(dependency, self._name))


class _Halves:
    """A dependency with ``yield``: a span up to it, and one from there on when the stack unwinds."""

    __slots__ = ("_dependency", "_name")

    def __init__(self, dependency: AbstractAsyncContextManager[Any], name: str) -> None:
        self._dependency = dependency
        self._name = name

    async def __aenter__(self) -> Any:
        with Span(self._name, _DEPENDENCY):
            return await self._dependency.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        with Span(f"{self._name} (teardown)", _DEPENDENCY):
            return await self._dependency.__aexit__(kind, error, traceback)
