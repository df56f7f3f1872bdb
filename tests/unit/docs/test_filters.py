"""The page on filters: its examples find what it says, and its units are understood."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scope.model import RequestSummary, Span, SpanKind, Trace
from scope.store import FieldKind, duration, lookup, moment, parse
from tests.unit.docs.pages import code_of, page, rows
from tests.unit.views.samples import make_request

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = page("reference/filters.md")
MS = 1_000_000
NOW_NS = moment("2026-01-31T15:00", 0)

EXAMPLES = [code_of(filter_) for _, filter_ in rows(PAGE.section("## Examples"))]

# What each example has to find: the fields in which a request differs from an inconspicuous one.
FOUND: Mapping[str, Mapping[str, Any]] = {
    "status:5xx since:1h": {"status": 503},
    "err:TimeoutError": {"error": "asyncio.TimeoutError"},
    "errors>0": {"errors": 1},
    "route:/users/{id} dur>200ms": {"duration_ns": 201 * MS},
    "path:/api/* -path:/api/health": {"path": "/api/users"},
    "(method:POST OR method:PUT) (dur>1s OR status>=500)": {"method": "PUT", "status": 500},
    "attr.user_id:42": {"user_id": 42},
    "attr.total_cents>=10000": {"total_cents": 10_000},
    'span:"load reviews" span.dur>50ms': {"span": "load reviews"},
    "loopwait>50ms": {"loop_wait_ns": 51 * MS},
    "step>10ms": {"longest_step_ns": 11 * MS},
    "threadwait>100ms": {"thread_wait_ns": 101 * MS},
    "bg>100ms": {"background_ns": 101 * MS},
    "state:aborted": {"state": "aborted"},
    "outcome:disconnected": {"outcome": "disconnected"},
    "kind:http -route:*": {"route": None},
    "complete:false state:done": {"complete": False},
    "bytes_out>1MiB": {"bytes_out": 1024**2 + 1},
    "since:2026-01-31T12:00 until:2026-01-31T18:00": {"start_ns": NOW_NS},
    "trace:4bf92f3577b34da6a3ce929d0e0e4736": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
    "kind:websocket messages_in>1000": {"kind": "websocket", "messages_in": 1001},
}


def sample(changes: Mapping[str, Any]) -> tuple[RequestSummary, Trace]:
    """A request that began some days before ``NOW_NS`` or, where it is looked for by its time, a minute before."""
    fields = {name: value for name, value in changes.items() if name in RequestSummary.__slots__}
    recent = {"start_ns": NOW_NS - 60_000 * MS} if "status" in changes else {}
    request = replace(make_request(), **{**recent, **fields})
    attributes = {name: value for name, value in changes.items() if name in {"user_id", "total_cents"}}
    root = Span("00000000000000a1", None, "GET", SpanKind.SERVER, request.start_ns, 12 * MS, "ok", attributes)
    step = replace(root, span_id="00000000000000a2", name=changes.get("span", "step"), duration_ns=51 * MS)
    return request, Trace(request, replace(root, children=(step,)))


def finds(text: str, changes: Mapping[str, Any]) -> bool:
    request, trace = sample(changes)
    return parse(text, now_ns=NOW_NS).matches(request, lambda: trace)


def test_every_example_is_tried() -> None:
    assert list(FOUND) == EXAMPLES


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_find_what_they_are_for_and_nothing_else(text: str) -> None:
    assert finds(text, FOUND[text])
    assert not finds(text, {})


def values() -> Mapping[str, list[str]]:
    """The examples of values, by the bold word that they are listed under."""
    listed = PAGE.section("## Values").split("- **")[1:]
    return {part.partition("**")[0]: re.findall(r"`([^`]+)`", part) for part in listed}


def test_units_of_durations_are_understood() -> None:
    given = values()["Durations"][:6]
    assert [duration(text) for text in given] == [
        250_000,
        200 * MS,
        1500 * MS,
        15 * 60_000 * MS,
        2 * 3_600_000 * MS,
        7 * 86_400_000 * MS,
    ]


def test_units_of_sizes_are_understood() -> None:
    for text in values()["Sizes"]:
        parse(f"bytes_in:{text}")


def test_forms_of_times_are_understood() -> None:
    for text in values()["Times"]:
        assert moment(text, NOW_NS) < NOW_NS + 1


def test_conditions_on_attributes_are_understood() -> None:
    for text in values()["Attributes"]:
        if text.startswith("attr."):
            assert parse(text).text == text


def test_every_condition_in_the_prose_is_understood() -> None:
    shown = [code for code in PAGE.inline() if re.match(r"-?[\w.]+(?::|=|!=|>|<)\S", code) and "field" not in code]
    assert len(shown) > len(EXAMPLES)
    for text in shown:
        parse(text)


def test_a_kind_of_field_says_how_its_values_are_written() -> None:
    kinds = {field.kind for cells in rows(PAGE.section("## Fields")) if (field := lookup(code_of(cells[0])))}
    assert {FieldKind.DURATION, FieldKind.BYTES, FieldKind.TIME, FieldKind.STATUS} <= kinds
    assert set(values()) == {"Durations", "Sizes", "Times", "Attributes"}
