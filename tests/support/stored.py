"""What is in the store of the test's directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scope.config import load
from scope.model import EventType
from scope.store import Reader, StoreUnavailable
from scope.wire.decode import decode_records

from .waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from scope.model import RequestSummary, Trace


def listed() -> list[RequestSummary]:
    """Every request there is; none where there is no store."""
    try:
        with Reader(load().store_dir) as reader:
            return reader.requests(limit=1_000_000)
    except StoreUnavailable:
        return []


def stored(*kinds: str) -> dict[str, RequestSummary]:
    """The requests (of these kinds; "http" unless told) by their correlation id; each is there once."""
    found = [each for each in listed() if each.kind in (kinds or ("http",))]
    by_id = {each.id: each for each in found}
    assert len(by_id) == len(found), sorted(each.id for each in found)
    return by_id


def when_stored(id: str, condition: Callable[[RequestSummary], bool] = lambda _: True) -> RequestSummary:
    """The request, once it is there and ``condition`` holds of it."""

    def look() -> RequestSummary | None:
        found = stored("http", "websocket", "lifespan", "task").get(id)
        return found if found is not None and condition(found) else None

    found = eventually(look)
    assert found is not None
    return found


def trace_of(request: RequestSummary) -> Trace:
    with Reader(load().store_dir) as reader:
        return reader.trace(request)


def event_types(request: RequestSummary) -> list[str]:
    """The types of what the application did, in order; how its loop ran it is left out."""
    with Reader(load().store_dir) as reader:
        types = [event.type for event in decode_records(reader.blob(request))]
    apart = {EventType.LANE, EventType.LOOP_STEP, EventType.ASYNC_TASK_BEGIN, EventType.ASYNC_TASK_END}
    return [each.name for each in types if each not in apart]


def span_names(request: RequestSummary) -> dict[str, str]:
    """The status of every span below the root, by name."""
    return {span.name: span.status for _, span in trace_of(request).spans() if span.parent_id is not None}
