"""Events of a request as short to write as can be, and the tree that becomes of them."""

from __future__ import annotations

from scope.model import (
    Definition,
    DefinitionKind,
    Event,
    EventType,
    Frame,
    FunctionKind,
    Outcome,
    RequestSummary,
    Span,
    Trace,
)
from scope.store.assemble import assemble
from tests.support.summaries import finished

ROOT_ID = 0x0123456789ABCDEF


OFFSET_NS = 1_000_000_000_000


REQUEST = finished(
    id="checkout-7",
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id=f"{ROOT_ID:016x}",
    path="/users/7",
    start_ns=OFFSET_NS + 100,
    first_byte_ns=OFFSET_NS + 800,
    duration_ns=800,
    bytes_out=42,
    messages_in=1,
    messages_out=2,
)


DEFINITIONS = (
    Definition(DefinitionKind.NAME, "load basket"),
    Definition(DefinitionKind.CODE, "Shop.price", "shop.prices", "/srv/shop/prices.py", 31),
    Definition(DefinitionKind.ROUTE, "/items/{item}"),
    Definition(DefinitionKind.CODE, "rows", "shop.rows", "/srv/shop/rows.py", 5, FunctionKind.GENERATOR),
)


def lane(thread: str, number: int = 1) -> Event:
    return Event(EventType.LANE, 0, payload={"thread_id": number, "generation": 1, "thread_name": thread})


def begin(number: int, parent: int, time_ns: int, name: str = "", *, site: int = 0, kind: int = 0) -> Event:
    payload = {"kind": kind, "name": name, "attributes": {}}
    return Event(EventType.SPAN_BEGIN, time_ns, 9, number, parent, site, payload)


def end(number: int, time_ns: int, outcome: int = Outcome.OK, **attributes: object) -> Event:
    payload = {"outcome": outcome, "attributes": attributes}
    return Event(EventType.SPAN_END, time_ns, 9, number, payload=payload)


def enter(number: int, parent: int, time_ns: int, site: int = 2) -> Event:
    return Event(EventType.FUNCTION_ENTER, time_ns, 9, number, parent, site)


def leave(number: int, time_ns: int, outcome: int = Outcome.OK, site: int = 0) -> Event:
    return Event(EventType.FUNCTION_EXIT, time_ns, 9, number, site=site, payload={"outcome": outcome})


def annotation(number: int, time_ns: int, **attributes: object) -> Event:
    return Event(EventType.ANNOTATION, time_ns, 9, number, payload={"attributes": attributes})


def tree(*events: Event, request: RequestSummary = REQUEST) -> Trace:
    return assemble(request, events, DEFINITIONS, OFFSET_NS)


def names(span: Span) -> list[str]:
    return [child.name for child in span.children]


def only(trace: Trace) -> Span:
    (child,) = trace.root.children
    return child


def exception(number: int, time_ns: int, kind: str, *, escaped: bool = True) -> Event:
    frames = (Frame("/srv/shop/prices.py", "price", 33, in_app=True),)
    payload = {"flags": int(escaped), "type": kind, "message": "no such item", "frames": frames}
    return Event(EventType.EXCEPTION, time_ns, 9, number, payload=payload)
