"""What lists say of a request, with nothing in it unless it is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from scope.model import RequestSummary

_FINISHED: Final = RequestSummary(
    id="4f1c09abd2e84c7f9e0b6a7d8c5e3f21",
    trace_id="4f1c09abd2e84c7f9e0b6a7d8c5e3f21",
    span_id="00000000000000a1",
    remote_parent_id=None,
    kind="http",
    method="GET",
    path="/users/42",
    route="/users/{id}",
    status=200,
    state="done",
    outcome="ok",
    start_ns=0,
    first_byte_ns=1,
    duration_ns=2,
    background_ns=0,
    loop_wait_ns=0,
    thread_wait_ns=0,
    longest_step_ns=0,
    error=None,
    spans=1,
    events=4,
    errors=0,
    lost=0,
    complete=True,
    tracing_ns=0,
    bytes_in=0,
    bytes_out=0,
    messages_in=0,
    messages_out=0,
    pid=4711,
    service="shop",
)


def finished(**fields: Any) -> RequestSummary:
    """A finished GET; ``fields`` replace its own."""
    return replace(_FINISHED, **fields)
