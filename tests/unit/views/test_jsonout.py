"""Requests and traces as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from scope.model import Cut, LeftOut, ObjectName, Redacted
from scope.views.jsonout import array_lines, dumps, indented_lines, request_object, trace_object
from tests.unit.views.samples import SAMPLES, checkout, make_request, make_span, make_trace

if TYPE_CHECKING:
    from scope.model import AttributeValue

REQUIRED_OF_A_REQUEST = {
    "id",
    "trace_id",
    "method",
    "path",
    "route",
    "status",
    "start_ns",
    "duration_ns",
    "state",
    "error",
    "spans",
    "events",
    "lost",
    "complete",
    "pid",
}
REQUIRED_OF_A_SPAN = {
    "span_id",
    "parent_id",
    "name",
    "kind",
    "start_ns",
    "duration_ns",
    "status",
    "attributes",
    "exception",
}


def written(value: AttributeValue) -> Any:
    trace = make_trace(make_span("root", 0, 1, attributes={"value": value}))
    return json.loads(dumps(trace_object(trace)))["spans"][0]["attributes"]["value"]


def test_a_request_has_all_fields_in_the_vocabulary_s_words() -> None:
    made = request_object(make_request())
    assert made.keys() >= REQUIRED_OF_A_REQUEST
    assert made["route"] == "/users/{id}"
    assert made["state"] == "done"
    assert json.loads(dumps(made)) == made


def test_fields_can_be_chosen_and_keep_their_order() -> None:
    assert list(request_object(make_request(), ("status", "id"))) == ["status", "id"]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_spans_of_a_trace_are_its_tree(name: str) -> None:
    """Parents before children, siblings by start; parent ids lead to the root, whose parent is null."""
    trace = SAMPLES[name]()
    made = json.loads(dumps(trace_object(trace)))
    assert made["request"] == request_object(trace.request)
    spans = made["spans"]
    assert all(span.keys() >= REQUIRED_OF_A_SPAN for span in spans)
    assert spans[0]["parent_id"] is None
    depths = {spans[0]["span_id"]: 0}
    for span in spans[1:]:
        depths[span["span_id"]] = depths[span["parent_id"]] + 1
    assert depths == {span["span_id"]: span["depth"] for span in spans}
    assert [span["name"] for span in spans] == [span.name for _, span in trace.spans()]


def test_kinds_statuses_and_exceptions_are_words() -> None:
    spans = {span["name"]: span for span in trace_object(checkout())["spans"]}
    assert spans["checkout"]["kind"] == "handler"
    assert spans["checkout"]["status"] == "error"
    assert spans["checkout"]["exception"]["type"] == "shop.errors.PaymentDeclined"
    assert spans["checkout"]["exception"]["frames"][0] == {
        "file": "/srv/shop/checkout.py",
        "function": "checkout",
        "line": 88,
        "in_app": True,
    }
    assert spans["smtp"]["exception"] is None
    assert spans["total"]["marks"][0]["name"] == "cache miss"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**70, 2**70),
        (0.1, 0.1),
        ("text", "text"),
        (float("nan"), {"$float": "nan"}),
        (float("-inf"), {"$float": "-inf"}),
        (b"\xff", {"$bytes": "/w=="}),
        (Cut("abc", 9), {"$cut": "abc", "length": 9}),
        (Redacted(), {"$redacted": True}),
        (ObjectName("a.B"), {"$object": "a.B"}),
        ((1, (b"",)), [1, [{"$bytes": ""}]]),
        ({"a": {"b": Redacted()}}, {"a": {"b": {"$redacted": True}}}),
    ],
)
def test_every_attribute_value_has_a_form(value: AttributeValue, expected: object) -> None:
    assert written(value) == expected


def test_what_a_terminal_acts_on_is_escaped() -> None:
    text = dumps(request_object(make_request(path="/\x1b[2J\x9b\u202e\ud800é")))
    assert text.isascii()
    assert text.isprintable()


def test_an_array_has_an_object_a_line() -> None:
    assert list(array_lines([])) == ["[]"]
    lines = list(array_lines([{"a": 1}, {"a": 2}]))
    assert lines == ['[{"a": 1}', ',{"a": 2}', "]"]
    assert json.loads("\n".join(lines)) == [{"a": 1}, {"a": 2}]


def test_a_very_deep_trace_can_be_written() -> None:
    span = make_span("leaf", 0, 1)
    for _ in range(5000):
        span = make_span("level", 0, 1, span)
    assert len(trace_object(make_trace(span))["spans"]) == 5001


def test_what_a_trace_is_without_is_counted_by_it_and_its_spans_and_else_not_spoken_of() -> None:
    whole = make_trace(make_span("a", 0, 9, make_span("b", 1, 2, spans_left_out=4, marks_left_out=1)))
    assert "truncated" not in json.dumps(trace_object(whole))
    made = trace_object(replace(whole, left_out=LeftOut(spans=4, marks=1)))
    assert made["truncated"] == {"spans": 4, "marks": 1, "steps": 0, "tasks": 0}
    assert [span["truncated"] for span in made["spans"]] == [{"spans": 0, "marks": 0}, {"spans": 4, "marks": 1}]


@pytest.mark.parametrize("size", [0, 1, 20_000])
def test_a_long_text_is_written_in_parts_that_make_up_the_whole(size: int) -> None:
    value = {"numbers": list(range(size)), "text": "two\nlines"}
    parts = list(indented_lines(value))
    assert "\n".join(parts) == json.dumps(value, indent=2)
    assert len(parts) <= 2 or max(map(len, parts)) < len("\n".join(parts))
