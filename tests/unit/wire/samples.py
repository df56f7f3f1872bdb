"""One event of every type and one value of every tag, with numbers that tell fields and byte orders apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scope.model import (
    Cut,
    Definition,
    DefinitionKind,
    Event,
    EventType,
    Frame,
    FunctionKind,
    Instance,
    ObjectName,
    Outcome,
    Part,
    Redacted,
    SpanKind,
)

if TYPE_CHECKING:
    from scope.model import Attributes

KEY = 0x0ABC_89AB_CDEF
"""A request key of 44 bits: its upper part is in the header word, its lower in the third word."""

VALUES: Attributes = {
    "null": None,
    "false": False,
    "true": True,
    "zero": 0,
    "least": -(1 << 63),
    "greatest": (1 << 63) - 1,
    "beyond": 1 << 63,
    "far below": -(10**40),
    "half": 0.5,
    "infinite": float("-inf"),
    "text": "naïve 東京 🜚",
    "empty": "",
    "bytes": b"\x00\xff\x80",
    "list": (1, "two", (3.0, None)),
    "cut": Cut("the beginn", 4096),
    "redacted": Redacted(),
    "object": ObjectName("shop.Basket"),
    "map": {"a": 1, "b": {"c": {"d": {}}}},
}

EVENTS = (
    Event(EventType.LANE, 1_000, payload={"thread_id": 4711, "generation": 3, "thread_name": "MainThread"}),
    Event(
        EventType.REQUEST_BEGIN,
        1_001,
        KEY,
        1,
        payload={
            "trace_id": bytes.fromhex("0af7651916cd43dd8448eb211c80319c"),
            "root_span_id": 0xB7AD6B7169203331,
            "remote_parent_id": 0x00F067AA0BA902B7,
            "kind": 1,
            "flags": 3,
            "method": "POST",
            "path": "/ünïcode/☃",
            "correlation_id": "checkout-7",
            "attributes": {"network.protocol.version": "1.1", "url.scheme": "http"},
        },
    ),
    Event(EventType.REQUEST_ROUTE, 1_002, KEY, 1, site=3),
    Event(EventType.REQUEST_ROUTE, 1_003, KEY, 1, payload={"template": "/inline/{id}"}),
    Event(
        EventType.SPAN_BEGIN,
        1_004,
        KEY,
        2,
        1,
        payload={"kind": int(SpanKind.DATABASE), "name": "query", "attributes": {"db.system.name": "sqlite"}},
    ),
    Event(EventType.SPAN_BEGIN, 1_005, KEY, 3, 2, 1, {"kind": 0, "name": "", "attributes": {}}),
    Event(EventType.FUNCTION_ENTER, 1_006, KEY, 0xFFFF_FFFF, 0xFFFF_FFFE, 2),
    Event(EventType.FUNCTION_EXIT, 1_007, KEY, 0xFFFF_FFFF, 0, 2, {"outcome": int(Outcome.CANCELLED)}),
    Event(EventType.MARK, 1_008, KEY, 3, payload={"name": "retry", "attributes": {"attempt": 2}}),
    Event(
        EventType.VALUES,
        1_020,
        KEY,
        3,
        payload={
            "what": 0,
            "left_out": 1,
            "line": 0,
            "attributes": {"self": Instance("Shop", {"open": True}, is_part=True)},
        },
    ),
    Event(
        EventType.VALUES,
        1_021,
        KEY,
        3,
        payload={
            "what": 3,
            "left_out": 0,
            "line": 34,
            "attributes": {"rows": Part((1, 2), 900), "by": Part({"a": 1}, 2)},
        },
    ),
    Event(EventType.LINES, 1_022, KEY, 3, payload={"left_out": 2, "lines": ((31, 1, 500), (34, 7, 1 << 40))}),
    Event(EventType.ANNOTATION, 1_009, KEY, 1, payload={"attributes": VALUES}),
    Event(
        EventType.EXCEPTION,
        1_010,
        KEY,
        2,
        payload={
            "flags": 1,
            "type": "shop.errors.SoldOut",
            "message": "no such item",
            "frames": (
                Frame("/usr/lib/python3/asyncio/tasks.py", "run", 120, in_app=False),
                Frame("/srv/shop/prices.py", "Shop.price", 31, in_app=True),
            ),
        },
    ),
    Event(EventType.SPAN_END, 1_011, KEY, 3, payload={"outcome": 0, "attributes": {}}),
    Event(EventType.SPAN_END, 1_012, KEY, 2, payload={"outcome": 1, "attributes": {"rows": 7}}),
    Event(EventType.GAP, 1_013, payload={"lost": 37, "reason": 1}),
    Event(EventType.RESPONSE_START, 1_014, KEY, 1, payload={"status": 503, "flags": 1}),
    Event(EventType.RESPONSE_END, 1_015, KEY, 1, payload={"body_bytes_sent": 1 << 40, "messages_sent": 2}),
    Event(EventType.DISCONNECT, 1_016, KEY, 1),
    Event(
        EventType.REQUEST_END,
        1_017,
        KEY,
        1,
        payload={
            "outcome": 3,
            "body_bytes_received": 11,
            "messages_received": 12,
            "messages_sent": 13,
            "body_bytes_sent": 14,
        },
    ),
    Event(
        EventType.LOOP_STEP, 1_018, KEY, 2, site=1, payload={"waited_ns": 1 << 40, "ran_ns": 7, "flags": 1, "task": 9}
    ),
    Event(EventType.OUTSIDE_STEP, 1_019, site=2, payload={"waited_ns": 3, "ran_ns": 1 << 33, "flags": 2, "task": 0}),
    Event(
        EventType.GC_PAUSE,
        1_020,
        KEY,
        3,
        payload={"lasted_ns": 1 << 34, "generation": 2, "collected": 1 << 35, "uncollectable": 5},
    ),
    Event(EventType.SHUTDOWN, 1_021),
    Event(
        EventType.ASYNC_TASK_BEGIN,
        1_022,
        KEY,
        9,
        3,
        2,
        payload={"waited_ns": 1 << 36, "flags": 1, "name": "Task-7"},
    ),
    Event(EventType.ASYNC_TASK_END, 1_023, KEY, 9, payload={"outcome": 1, "error": "KeyError"}),
    Event(
        EventType.LEDGER,
        1_019,
        KEY,
        1,
        site=5,
        payload={"held_back": 1 << 40, "taken_out": 17, "level": 3, "flags": 1, "share": 123},
    ),
    Event(EventType.BLOCK, 0, payload={"sequence": 99}),
    Event(EventType.FILL, 0),
)

DEFINITIONS = (
    Definition(DefinitionKind.NAME, "load basket"),
    Definition(DefinitionKind.CODE, "Shop.price", "shop.prices", "/srv/shop/prices.py", 31, FunctionKind.COROUTINE),
    Definition(DefinitionKind.ROUTE, "/users/{id}"),
    Definition(DefinitionKind.RESOURCE, "", attributes={"service": "shop", "pid": 4711}),
    Definition(DefinitionKind.SHED, "", attributes={"functions": ("shop.prices.tax",)}),
)


def event_id(event: Event) -> str:
    """What a test about ``event`` is called."""
    return f"{event.type.name}-{event.time_ns}"
