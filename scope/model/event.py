"""One record of the wire format, decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class EventType(IntEnum):
    """Record types; the numbers are the wire's."""

    FILL = 0x01
    BLOCK = 0x02
    LANE = 0x03
    GAP = 0x04
    REQUEST_BEGIN = 0x10
    REQUEST_ROUTE = 0x11
    RESPONSE_START = 0x12
    RESPONSE_END = 0x13
    REQUEST_END = 0x14
    DISCONNECT = 0x15
    SPAN_BEGIN = 0x20
    SPAN_END = 0x21
    FUNCTION_ENTER = 0x22
    FUNCTION_EXIT = 0x23
    MARK = 0x24
    VALUES = 0x25
    LINES = 0x26
    ANNOTATION = 0x30
    EXCEPTION = 0x31
    LOOP_STEP = 0x40
    OUTSIDE_STEP = 0x41
    GC_PAUSE = 0x42
    SHUTDOWN = 0x43
    ASYNC_TASK_BEGIN = 0x44
    ASYNC_TASK_END = 0x45
    LEDGER = 0x50


class Outcome(IntEnum):
    """How a request or a span ended."""

    OK = 0
    EXCEPTION = 1
    CANCELLED = 2
    DISCONNECTED = 3


@dataclass(frozen=True, slots=True)
class Event:
    """One record: what happened, when, and to which request and span.

    ``time_ns`` is CLOCK_MONOTONIC in nanoseconds. ``request``, ``span``, ``parent`` and ``site`` are the wire's
    numbers, 0 where the record has none. ``payload`` holds the fields of the type, named as in docs/design/wire.md.
    """

    type: EventType
    time_ns: int
    request: int = 0
    span: int = 0
    parent: int = 0
    site: int = 0
    payload: Mapping[str, object] = field(default_factory=dict[str, object])
