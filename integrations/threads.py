"""Thread pools: what is submitted within a request runs within it, as part of the span that submitted it.

asyncio.to_thread and anyio carry the context by themselves; ``ThreadPoolExecutor.submit``, and with it
``loop.run_in_executor``, do not. Only the request is carried: other context variables stay what they are in the thread.

How long the work waited for a thread, and how long it ran there, is recorded for all of them.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from .._core import current_request, queued

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future
    from types import ModuleType

    from ._patches import Patches

__all__ = ["carry", "install"]

P = ParamSpec("P")
T = TypeVar("T")


def install(patches: Patches, library: ModuleType) -> None:
    if library.__name__ == "anyio.to_thread":
        patches.replace(library, "run_sync", _time_run)
    else:
        patches.replace(ThreadPoolExecutor, "submit", _carry_submitted)


def carry(call: Callable[P, T]) -> Callable[P, T]:
    """``call``, to be run elsewhere as part of the current request and span; outside any request, ``call`` itself."""
    request = current_request()
    if request is None:
        return call
    here = request.activate()
    request.deactivate(here)
    timed = queued(call)

    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        outside = request.activate()
        request.deactivate(here)
        try:
            return timed(*args, **kwargs)
        finally:
            request.deactivate(outside)

    return carried


def _carry_submitted(original: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return original(self, carry(fn), *args, **kwargs)

    return submit


def _time_run(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(original)
    def run_sync(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Awaitable[Any]:
        return original(func if current_request() is None else queued(func), *args, **kwargs)

    return run_sync
