"""One request as lists show it: everything but its spans."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class RequestKind(IntEnum):
    """What an ASGI scope, or a span outside any, was opened for; the numbers are the wire's."""

    HTTP = 1
    WEBSOCKET = 2
    LIFESPAN = 3
    TASK = 4


class RequestState(IntEnum):
    """Where a request is: still running, ended, or cut off by the death of its process."""

    OPEN = 0
    DONE = 1
    ABORTED = 2


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """One request without its spans; field names are those of ``scope ls --json`` and of the filter grammar.

    ``id`` is the correlation id: the caller's X-Request-ID where it was valid, else the trace id. ``span_id`` is the
    root span's, unique to the request. ``route`` is the full mounted template, None where no route matched. Times are
    Unix nanoseconds, durations nanoseconds: ``duration_ns`` runs from the first event to the last byte of the response
    (to the end of the work for a task or a connection; for an open or aborted request, to its last event);
    ``background_ns`` is the work after the last byte. ``loop_wait_ns`` is how long, before that byte, it could have
    gone on while none of its tasks ran in its loop; ``thread_wait_ns`` how long its calls waited for a thread of a
    pool, added up; ``longest_step_ns`` the longest time for which it held its loop; 0 where its loop was not watched.
    ``status`` is the HTTP status, None where no response began.
    ``error`` is the type of the exception that ended it, or None. ``lost`` counts events known to be lost while it ran
    in its process; ``complete`` is true where none were and both its ends are there. ``tracing_ns`` is what its being
    recorded took of its process: the cost of each kind of event, measured on this machine, times their number.
    """

    id: str
    trace_id: str
    span_id: str
    remote_parent_id: str | None
    kind: str
    method: str
    path: str
    route: str | None
    status: int | None
    state: str
    outcome: str
    start_ns: int
    first_byte_ns: int | None
    duration_ns: int
    background_ns: int
    loop_wait_ns: int
    thread_wait_ns: int
    longest_step_ns: int
    error: str | None
    spans: int
    events: int
    errors: int
    lost: int
    complete: bool
    tracing_ns: int
    bytes_in: int
    bytes_out: int
    messages_in: int
    messages_out: int
    pid: int
    service: str
