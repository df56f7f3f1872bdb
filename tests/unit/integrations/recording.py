"""What the traced process wrote, read back in it as traces."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Self

from scope import _core
from scope.capture.exceptions import describe
from scope.model import Event, EventType, Outcome, RequestKind, RequestSummary, Span, SpanKind, Trace
from scope.store.assemble import assemble
from scope.wire import fields
from scope.wire.definitions import decode_definition
from scope.wire.lane import LaneState
from scope.wire.segment import SegmentFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from scope.model import Definition


class Recording:
    """A session of this process for the time of a block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session = _core.Session(str(path))

    def __enter__(self) -> Self:
        _core.set_session(self._session)
        _core.set_describe(describe)
        return self

    def __exit__(self, *_: object) -> None:
        _core.set_session(None)
        self._session.close()

    def traces(self) -> list[Trace]:
        """Every request so far, in order of their beginning."""
        by_request: defaultdict[int, list[Event]] = defaultdict(list)
        with SegmentFile(self._path) as segment:
            for events in self._lanes(segment):
                lane = Event(EventType.LANE, 0)
                for event in events:
                    if event.type is EventType.LANE:
                        lane = event
                    elif event.request:
                        by_request[event.request] += [lane, event]
            definitions = [decode_definition(entry) for entry in segment.definitions()]
        requests = [events for _, events in sorted(by_request.items())]
        return [assemble(_summary(events, definitions), events, definitions, 0) for events in requests]

    def trace(self) -> Trace:
        """The only request."""
        (trace,) = self.traces()
        return trace

    @staticmethod
    def _lanes(segment: SegmentFile) -> Iterator[list[Event]]:
        for number in range(segment.header.lanes):
            if segment.lane(number).state is not LaneState.FREE:
                yield list(segment.read(number).events())


def _summary(events: list[Event], definitions: list[Definition]) -> RequestSummary:
    """What the collector would say of the request, as far as the tests ask."""
    last: Mapping[EventType, Event] = {event.type: event for event in events}
    begin = last[EventType.REQUEST_BEGIN]
    end = last.get(EventType.REQUEST_END)
    start = last.get(EventType.RESPONSE_START)
    sent = last.get(EventType.RESPONSE_END)
    route = last.get(EventType.REQUEST_ROUTE)
    until_ns = max(event.time_ns for event in events)
    ended_ns = sent.time_ns if sent else until_ns
    return RequestSummary(
        id=fields.text(begin, "correlation_id"),
        trace_id=fields.octets(begin, "trace_id").hex(),
        span_id=f"{fields.number(begin, 'root_span_id'):016x}",
        remote_parent_id=None,
        kind=RequestKind(fields.number(begin, "kind")).name.lower(),
        method=fields.text(begin, "method"),
        path=fields.text(begin, "path"),
        route=definitions[route.site - 1].name if route else None,
        status=fields.number(start, "status") if start else None,
        state="done" if end else "open",
        outcome=Outcome(fields.number(end, "outcome")).name.lower() if end else "open",
        start_ns=begin.time_ns,
        first_byte_ns=start.time_ns if start else None,
        duration_ns=ended_ns - begin.time_ns,
        background_ns=until_ns - ended_ns,
        error=None,
        spans=0,
        events=len(events),
        errors=sum(event.type is EventType.EXCEPTION for event in events),
        lost=0,
        complete=end is not None,
        bytes_in=0,
        bytes_out=fields.number(sent, "body_bytes_sent") if sent else 0,
        messages_in=fields.number(end, "messages_received") if end else 0,
        messages_out=fields.number(end, "messages_sent") if end else 0,
        pid=0,
        service="",
    )


def spans(trace: Trace, kind: SpanKind | None = None) -> list[Span]:
    """The spans of ``kind``, or all but the root, in order of the tree."""
    return [span for depth, span in trace.spans() if depth and kind in {None, span.kind}]


def names(trace: Trace, kind: SpanKind | None = None) -> list[str]:
    return [span.name for span in spans(trace, kind)]


def tree(trace: Trace) -> list[str]:
    """Every span but the root, indented below its parent: the shape of the trace at a glance."""
    return ["  " * (depth - 1) + span.name for depth, span in trace.spans() if depth]
