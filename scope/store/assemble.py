"""Events to a tree of spans, in a few passes, none of which recurses; any sequence of events gives a trace.

1. *order*: within a lane as written, across lanes by time;
2. *take in*: each event into the draft of the span that it is about, whatever came before it;
3. *adopt*: each draft below its parent; below the root where the parent was lost, or where parents form a ring, which
   no writer writes;
4. *reach back*: a span whose begin was lost starts no later than its children;
5. *freeze*: deepest first, so that every span finds its children made.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from ..model import EventType, ExceptionInfo, LeftOut, SpanKind, Step, Trace
from ..wire import fields
from ..wire.ids import span_id
from ..wire.layout import LOSS_REASONS
from .drafts import ROOT, Drafts
from .order import AHEAD, in_order
from .root_span import freeze_root
from .shed import told_by_ledger
from .span_draft import PARENT_LOST, START_LOST
from .task_draft import TaskDrafts
from .values_draft import ValuesDraft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..model import Attributes, Definition, Event, RequestSummary, Span
    from .span_draft import SpanDraft

_KINDS: Final = {int(kind): kind for kind in SpanKind}
_NOTHING: Final[Attributes] = {}


def assemble(
    request: RequestSummary,
    events: Iterable[Event],
    definitions: Sequence[Definition],
    clock_offset_ns: int,
    limit: int | None = None,
) -> Trace:
    """The trace that ``events``, a request's blob decoded, tell of.

    ``definitions`` are the segment's, number 1 first; ``clock_offset_ns`` is what its realtime clock is ahead of its
    monotonic one. Never raises for what the events say. Spans whose begin was lost carry ``scope.start_lost``, spans
    whose parent was lost ``scope.parent_lost``; losses are marks of the root.

    With a ``limit`` at most so many spans below the root, marks, steps, tasks are kept: the shallowest spans, of those
    equally deep the first, and the first of the rest. What is left out is counted, by the trace and by its spans.
    Then events are not all held, so what a lane tells much later than another may be taken in after what followed it.
    """
    work = _Assembly(definitions, clock_offset_ns, limit)
    for event, thread in in_order(events, None if limit is None else AHEAD):
        take_in = _TAKE_IN.get(event.type)
        if take_in is not None:
            work.thread = thread
            take_in(work, event)
    drafts = list(work.drafts.all())
    _adopt(drafts, work)
    _reach_back(drafts)
    tasks = work.tasks.freeze(_ids(work, request), clock_offset_ns, request.state)
    return Trace(request, _freeze(drafts, work, request), tuple(work.steps), work.left_out(), tasks)


class _Assembly:
    """The drafts and steps so far, and what turns numbers of the wire into names and Unix time.

    ``thread`` is that of the event being taken in.
    """

    def __init__(self, definitions: Sequence[Definition], offset_ns: int, limit: int | None) -> None:
        self.drafts = Drafts(limit)
        self.root = self.drafts.root
        self.route: str | None = None
        self.thread = ""
        self.steps: list[Step] = []
        self.tasks = TaskDrafts(limit)
        self.offset_ns = offset_ns
        self._definitions = definitions
        self._limit = limit
        self._marks = 0
        self._marks_left_out = 0
        self._steps_left_out = 0

    def draft(self, event: Event) -> SpanDraft | None:
        """The draft that ``event`` is about; None where its span is left out."""
        return self.drafts.of(event, self.thread)

    def mark(self, draft: SpanDraft | None, name: str, time_ns: int, attributes: Attributes = _NOTHING) -> None:
        """Add a moment, in Unix time, to the draft if there is one and room for the mark; else count it."""
        if draft is not None and self._has_room(self._marks - self.drafts.marks_dropped):
            self._marks += 1
            draft.mark(name, time_ns, attributes)
            return
        self._marks_left_out += 1
        if draft is not None:
            draft.marks_left_out += 1

    def has_room_for_step(self) -> bool:
        """Whether one more step is kept; one that is not is counted."""
        has_room = self._has_room(len(self.steps))
        self._steps_left_out += not has_room
        return has_room

    def left_out(self) -> LeftOut:
        marks = self._marks_left_out + self.drafts.marks_dropped
        return LeftOut(self.drafts.left_out, marks, self._steps_left_out, self.tasks.left_out)

    def _has_room(self, kept: int) -> bool:
        return self._limit is None or kept < self._limit

    def definition(self, site: int) -> Definition | None:
        return self._definitions[site - 1] if 0 < site <= len(self._definitions) else None

    def name(self, event: Event) -> str:
        """By definition, else as the record has it; a site without a definition is named by its number."""
        definition = self.definition(event.site)
        if definition is not None:
            return definition.name
        return fields.text(event, "name") or (f"site {event.site}" if event.site else "")


# --- take in --------------------------------------------------------------------------------------------------------


def _begin(work: _Assembly, event: Event, kind: SpanKind) -> None:
    draft = work.draft(event)
    if draft is None or draft is work.root or draft.begun:
        return
    draft.begun = True
    draft.first_ns = event.time_ns
    draft.thread = work.thread
    draft.parent = event.parent
    draft.kind = kind
    _name(work, draft, event)
    draft.annotate(fields.attributes(event))


def _name(work: _Assembly, draft: SpanDraft, event: Event) -> None:
    definition = work.definition(event.site)
    if definition is not None:
        draft.define(definition)
    else:
        draft.name = work.name(event)


def _span_begin(work: _Assembly, event: Event) -> None:
    _begin(work, event, _KINDS.get(fields.number(event, "kind"), SpanKind.INTERNAL))


def _function_enter(work: _Assembly, event: Event) -> None:
    _begin(work, event, SpanKind.FUNCTION)


def _end(work: _Assembly, event: Event) -> None:
    draft = work.draft(event)
    if draft is None or draft is work.root:
        return
    if not draft.begun:
        draft.parent = event.parent
        draft.kind = SpanKind.FUNCTION if event.type is EventType.FUNCTION_EXIT else draft.kind
        _name(work, draft, event)
    draft.end(event.time_ns, fields.number(event, "outcome"))
    draft.annotate(fields.attributes(event))


def _annotation(work: _Assembly, event: Event) -> None:
    draft = work.draft(event)
    if draft is not None:
        draft.annotate(fields.attributes(event))


def _exception(work: _Assembly, event: Event) -> None:
    """A span has one exception: any other is a mark."""
    draft = work.draft(event)
    if draft is None:
        return
    info = ExceptionInfo(
        type=fields.text(event, "type"),
        message=fields.text(event, "message"),
        frames=fields.frames(event),
        escaped=fields.number(event, "flags") & 1 == 1,
        time_ns=event.time_ns + work.offset_ns,
    )
    other = draft.catch(info)
    if other is not None:
        said: Attributes = {"exception.type": other.type, "exception.message": other.message}
        work.mark(draft, "exception", other.time_ns, said)


def _mark(work: _Assembly, event: Event) -> None:
    work.mark(work.draft(event), work.name(event), event.time_ns + work.offset_ns, fields.attributes(event))


def _gc_pause(work: _Assembly, event: Event) -> None:
    lasted_ns = fields.number(event, "lasted_ns")
    said: Attributes = {
        "gc.duration_ns": lasted_ns,
        "gc.generation": fields.number(event, "generation"),
        "gc.collected": fields.number(event, "collected"),
    }
    work.mark(work.draft(event), "garbage collection", event.time_ns - lasted_ns + work.offset_ns, said)


def _values(work: _Assembly, event: Event) -> None:
    draft = work.draft(event)
    if draft is None:
        return
    if draft.values is None:
        draft.values = ValuesDraft()
    draft.values.take_in(event, work.offset_ns)


def _async_task(work: _Assembly, event: Event) -> None:
    work.tasks.take_in(event, work.definition(event.site))


def _loop_step(work: _Assembly, event: Event) -> None:
    work.tasks.take_in(event, None)
    if not work.has_room_for_step():
        return
    end_ns = event.time_ns + work.offset_ns
    start_ns = end_ns - fields.number(event, "ran_ns")
    awaited = work.definition(event.site)
    work.steps.append(
        Step(
            thread=work.thread,
            ready_ns=start_ns - fields.number(event, "waited_ns"),
            start_ns=start_ns,
            end_ns=end_ns,
            in_thread=fields.number(event, "flags") & 1 == 1,
            awaits=awaited.name if awaited is not None else "",
        )
    )


def _ledger(work: _Assembly, event: Event) -> None:
    work.root.annotate(told_by_ledger(event, work.definition(event.site)))


def _request_begin(work: _Assembly, event: Event) -> None:
    work.root.thread = work.thread
    _name(work, work.root, event)
    work.root.annotate(fields.attributes(event))


def _request_route(work: _Assembly, event: Event) -> None:
    definition = work.definition(event.site)
    work.route = definition.name if definition is not None else fields.text(event, "template") or None


def _request_end(work: _Assembly, event: Event) -> None:
    work.root.end(event.time_ns, 0)


def _disconnect(work: _Assembly, event: Event) -> None:
    work.mark(work.root, "client disconnected", event.time_ns + work.offset_ns)


def _gap(work: _Assembly, event: Event) -> None:
    reason = fields.number(event, "reason")
    name = LOSS_REASONS[reason] if 0 <= reason < len(LOSS_REASONS) else str(reason)
    lost = fields.number(event, "lost")
    work.mark(work.root, "events lost", event.time_ns + work.offset_ns, {"scope.lost": lost, "scope.loss_reason": name})


_TAKE_IN: Final[Mapping[EventType, Callable[[_Assembly, Event], None]]] = {
    EventType.GAP: _gap,
    EventType.REQUEST_BEGIN: _request_begin,
    EventType.REQUEST_ROUTE: _request_route,
    EventType.RESPONSE_END: _request_end,
    EventType.REQUEST_END: _request_end,
    EventType.DISCONNECT: _disconnect,
    EventType.SPAN_BEGIN: _span_begin,
    EventType.SPAN_END: _end,
    EventType.FUNCTION_ENTER: _function_enter,
    EventType.FUNCTION_EXIT: _end,
    EventType.MARK: _mark,
    EventType.VALUES: _values,
    EventType.LINES: _values,
    EventType.ANNOTATION: _annotation,
    EventType.EXCEPTION: _exception,
    EventType.LOOP_STEP: _loop_step,
    EventType.GC_PAUSE: _gc_pause,
    EventType.ASYNC_TASK_BEGIN: _async_task,
    EventType.ASYNC_TASK_END: _async_task,
    EventType.LEDGER: _ledger,
}


# --- adopt, reach back, freeze --------------------------------------------------------------------------------------


def _adopt(drafts: list[SpanDraft], work: _Assembly) -> None:
    for draft in drafts:
        draft.up = work.drafts.get(draft.parent) or work.root
        if not draft.begun:
            draft.annotate({START_LOST: True})
        if draft.up is work.root and draft.parent > ROOT and not work.drafts.has_left_out(draft.parent):
            draft.annotate({PARENT_LOST: True})
    for draft in drafts:
        _find_depth(draft, work.root)


def _find_depth(draft: SpanDraft, root: SpanDraft) -> None:
    """Count the steps up to the root, for every draft on the way; a way that leads into itself is cut at its top."""
    way: dict[int, SpanDraft] = {}
    at = draft
    while at.up is not None and not at.depth:
        way[at.number] = at
        if at.up.number in way:
            at.up = root
            at.annotate({PARENT_LOST: True})
        at = at.up
    for depth, step in enumerate(reversed(way.values()), at.depth + 1):
        step.depth = depth


def _reach_back(drafts: list[SpanDraft]) -> None:
    drafts.sort(key=attrgetter("depth"), reverse=True)
    for draft in drafts:
        up = draft.up
        if up is not None and up.depth and not up.begun:
            up.first_ns = min(up.first_ns, draft.first_ns)


def _freeze(drafts: list[SpanDraft], work: _Assembly, request: RequestSummary) -> Span:
    root_id = _root_id(request)
    drafts.sort(key=attrgetter("first_ns", "number"))
    drafts.sort(key=attrgetter("depth"), reverse=True)
    for draft in drafts:
        up = draft.up or work.root
        parent_id = request.span_id if up is work.root else f"{span_id(root_id, up.number):016x}"
        own_id = f"{span_id(root_id, draft.number):016x}"
        up.children.append(draft.freeze(own_id, parent_id, work.offset_ns, request.state))
    return freeze_root(work.root, request, work.route)


def _ids(work: _Assembly, request: RequestSummary) -> dict[int, str]:
    """The ids of the spans that tasks were made in, by their numbers; the root's where one is not there."""
    root_id = _root_id(request)
    parents = set(work.tasks.parents().values())
    return {each: f"{span_id(root_id, each):016x}" if work.drafts.get(each) else request.span_id for each in parents}


def _root_id(request: RequestSummary) -> int:
    """0 where the begin of the request was lost, and its ids with it."""
    try:
        return int(request.span_id, 16)
    except ValueError:
        return 0
