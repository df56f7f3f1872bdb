"""The test kit: what a block of code was recorded as, read back as traces.

    def test_checkout_prices_the_basket_once(client: TestClient) -> None:
        with captured() as capture:
            client.post("/checkout")
        names = [span.name for _, span in capture.trace().spans()]
        assert names.count("price basket") == 1

Nothing is started, neither a collector nor a thread, and nothing is left behind.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from ._core import Correlator, Segment, Session, get_session, set_describe, set_never_types, set_session
from .capture.exceptions import describe
from .capture.never_types import never_types
from .model import EventType, Outcome, ProcessEvent, RequestKind, RequestState, RequestSummary
from .store.assemble import assemble
from .store.batch import Summary
from .store.process_records import process_records
from .wire import fields
from .wire.decode import decode_records
from .wire.definitions import decode_definition

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from .model import Definition, Event, Trace
    from .store.process_records import ProcessRecord

__all__ = ["Capture", "captured", "read_segment"]

_ALL: Final = 1 << 30
_PASSES: Final = 3
"""After so many a request that has ended is handed over, and so is one that has not."""


@contextmanager
def captured(*, lanes: int = 64, lane_bytes: int = 1 << 20, discard_newest: bool = False) -> Generator[Capture]:
    """Record what the block does, in this process, into a segment of its own; the result gives the traces.

    ``lanes`` bounds the number of threads that can record at a time, ``lane_bytes`` (a power of two) what is held of
    each. Of more than that the oldest is lost, with ``discard_newest`` the newest; either way traces say what they
    miss. A session that was there before is current again after the block. Raises OSError or ValueError where no
    segment can be made.
    """
    before = get_session()
    with TemporaryDirectory(prefix=f"scope-test-{os.getpid()}-", dir=_in_memory()) as directory:
        path = os.path.join(directory, "captured.seg")  # noqa: PTH118 - as the native side takes it
        session = Session(
            path, lanes=lanes, first_lane_bytes=lane_bytes, lane_bytes=lane_bytes, policy=int(discard_newest)
        )
        capture = Capture(session)
        set_describe(describe)
        set_never_types(never_types())
        set_session(session)
        try:
            yield capture
        finally:
            set_session(before)
            capture.close()


def read_segment(path: str) -> Capture:
    """What another process, dead or alive, has written; its segment stays as it is.

    Raises OSError where the file cannot be opened, ValueError where it is no sound segment.
    """
    return Capture(None, _Reading(path))


def _in_memory() -> str | None:
    """Where a file costs a tenth of what it costs on a disk; None where there is no such place."""
    shared = "/dev/shm"  # noqa: S108 - the directory made in it is private
    return shared if os.access(shared, os.W_OK | os.X_OK) else None


class Capture:
    """What was recorded since :func:`captured` began it; good within the block and after it.

    Each method looks anew while the block runs, and shows requests that are still open as far as they have come.
    """

    def __init__(self, session: Session | None, reading: _Reading | None = None) -> None:
        self._session = session
        self._final = reading

    def traces(self) -> list[Trace]:
        """Every request, connection, lifespan and task, by time of its beginning."""
        reading = self._read()
        made = [
            assemble(request, events, reading.definitions, reading.offset_ns) for request, events in reading.requests
        ]
        return sorted(made, key=lambda trace: trace.request.start_ns)

    def trace(self) -> Trace:
        """The only one. Raises ValueError where there is none or more than one."""
        found = self.traces()
        if len(found) != 1:
            raise ValueError(f"{len(found)} traces were captured, not one: {[trace.root.name for trace in found]}")
        return found[0]

    def events(self) -> list[Event]:
        """The records behind the traces, request by request; each run of a lane's follows that lane's LANE record."""
        return [event for _, events in self._read().requests for event in events]

    def process_events(self) -> list[ProcessEvent]:
        """What happened outside requests, as far as the process itself can tell, by lane and time."""
        reading = self._read()
        return [_process_event(each, reading.definitions, reading.pid) for each in reading.process]

    def losses(self) -> Mapping[str, int]:
        """Events lost, by reason; zeroes included."""
        return self._read().losses

    def close(self) -> None:
        """Read for the last time, and end the session. :func:`captured` does it."""
        if self._session is not None:
            self._final = _Reading(self._session.path)
            self._session.close()
            self._session = None

    def _read(self) -> _Reading:
        if self._final is not None:
            return self._final
        assert self._session is not None
        return _Reading(self._session.path)


class _Reading:
    """What a segment holds, read from its beginning; the writers learn nothing of it."""

    def __init__(self, path: str) -> None:
        segment = Segment(path)
        try:
            correlator = Correlator(max_bytes=1 << 40)
            slot = correlator.add(segment, 0)
            for _ in range(_PASSES):
                correlator.drain(slot)
            self.definitions = [decode_definition(entry) for entry in segment.definitions()]
            self.losses = correlator.losses(slot)
            monotonic_ns, _, realtime_ns = segment.clocks
            self.offset_ns = realtime_ns - monotonic_ns
            self.pid = segment.pid
            self.process = list(process_records(correlator.take_process(slot), self.offset_ns))
            found = [Summary(*row) for row in (*correlator.take(_ALL), *correlator.take_open())]
            self.requests = [self._request(each, segment.pid) for each in sorted(found, key=lambda each: each.key)]
        finally:
            segment.close()

    def _request(self, found: Summary, pid: int) -> tuple[RequestSummary, list[Event]]:
        events = list(decode_records(found.blob))
        return _summary(found, events, self.definitions, pid), events


def _summary(found: Summary, events: Sequence[Event], definitions: Sequence[Definition], pid: int) -> RequestSummary:
    """What the store would say of the request."""
    trace_id = found.trace_id.hex()
    answered = found.kind == RequestKind.HTTP and found.state == RequestState.DONE and found.response_end_ns
    until_ns = found.response_end_ns if answered else found.end_ns
    route = definitions[found.route - 1].name if 0 < found.route <= len(definitions) else found.route_text
    return RequestSummary(
        id=found.id or trace_id,
        trace_id=trace_id,
        span_id=f"{found.span_id:016x}",
        remote_parent_id=f"{found.remote_parent:016x}" if found.remote_parent else None,
        kind=RequestKind(found.kind).name.lower() if found.kind else "unknown",
        method=found.method,
        path=found.path,
        route=route,
        status=found.status or None,
        state=RequestState(found.state).name.lower(),
        outcome=Outcome(found.outcome).name.lower(),
        start_ns=found.start_ns,
        first_byte_ns=found.first_byte_ns or None,
        duration_ns=until_ns - found.start_ns,
        background_ns=found.end_ns - until_ns,
        loop_wait_ns=found.loop_wait_ns,
        thread_wait_ns=found.thread_wait_ns,
        longest_step_ns=found.longest_step_ns,
        error=_error(found, events),
        spans=found.spans,
        events=found.events,
        errors=found.errors,
        lost=found.lost,
        complete=bool(found.complete),
        tracing_ns=found.tracing_ns,
        bytes_in=found.bytes_in,
        bytes_out=found.bytes_out,
        messages_in=found.messages_in,
        messages_out=found.messages_out,
        pid=pid,
        service=_service(definitions),
    )


def _process_event(found: ProcessRecord, definitions: Sequence[Definition], pid: int) -> ProcessEvent:
    """What the store would say of the event."""
    site = definitions[found.site - 1] if 0 < found.site <= len(definitions) else None
    return ProcessEvent(
        kind=found.kind,
        pid=pid,
        service=_service(definitions),
        start_ns=found.start_ns,
        duration_ns=found.duration_ns,
        waited_ns=found.waited_ns,
        thread=found.thread,
        name=site.name if site else "",
        file=site.file if site else "",
        line=site.line if site else 0,
        generation=found.generation,
        collected=found.collected,
        left_over=bool(found.left_over),
    )


def _error(found: Summary, events: Sequence[Event]) -> str | None:
    """The type of the exception that ended the request: the last one recorded of its root span."""
    if found.outcome != Outcome.EXCEPTION and found.status < 500:
        return None
    types = [fields.text(event, "type") for event in events if event.type is EventType.EXCEPTION and event.span <= 1]
    return types[-1] if types else None


def _service(definitions: Sequence[Definition]) -> str:
    named = (definition.attributes.get("service.name") for definition in definitions)
    return next((name for name in named if isinstance(name, str)), "")
