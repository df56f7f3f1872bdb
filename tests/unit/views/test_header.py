"""What is said above a trace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scope.model import LeftOut
from scope.views.header import completeness, header_lines, label, left_out, tracing
from scope.views.lines import plain
from tests.unit.views.samples import START_NS, make_request, make_span, make_trace


def header(**fields: Any) -> list[str]:
    attributes = fields.pop("attributes", {})
    trace = make_trace(make_span("GET", 0, 12, attributes=attributes), **fields)
    return [plain(line) for line in header_lines(trace, START_NS)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "GET /users/{id}"),
        ({"route": None}, "GET /users/42"),
        ({"kind": "websocket", "method": "", "route": "/chat/{room}"}, "websocket /chat/{room}"),
        ({"kind": "lifespan", "method": "", "route": None, "path": ""}, "lifespan"),
        ({"kind": "task", "method": "", "route": None, "path": "nightly"}, "task nightly"),
        ({"kind": "unknown"}, "unknown GET /users/{id}"),
    ],
)
def test_a_request_in_a_few_words(fields: dict[str, Any], expected: str) -> None:
    assert label(make_request(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "complete"),
        ({"lost": 3, "complete": False}, "incomplete: 3 events were lost while it ran"),
        ({"complete": False}, "incomplete: its beginning or its end was not recorded"),
        ({"state": "aborted"}, "aborted: process 4711 died, this is up to the last event"),
        (
            {"state": "open", "lost": 1},
            "open: still running, the last of 8 events came after 12 ms: 1 events were lost while it ran",
        ),
    ],
)
def test_completeness_is_said_either_way(fields: dict[str, Any], expected: str) -> None:
    assert completeness(make_request(**fields)).text == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ""),
        ({"tracing_ns": 184_000}, "tracing added about 184 µs, 1.5 %"),
        ({"tracing_ns": 184_000, "background_ns": 6_400_000}, "tracing added about 184 µs, 1.0 %"),
        ({"tracing_ns": 50, "duration_ns": 0}, "tracing added about 50 ns"),
    ],
)
def test_what_tracing_has_cost_is_said_where_it_is_known(fields: dict[str, Any], expected: str) -> None:
    assert tracing(make_request(**fields)) == expected
    assert (expected in header(**fields)) is bool(expected)


def test_the_first_line_tells_how_it_ended() -> None:
    assert header()[0] == "GET /users/{id}  200  12 ms"
    assert header(status=503, error="ValueError")[0] == "GET /users/{id}  503  ✗ ValueError  12 ms"
    assert header(status=None, outcome="disconnected")[0] == "GET /users/{id}  disconnected  12 ms"
    assert header(outcome="cancelled", error="CancelledError")[0] == "GET /users/{id}  200  ✗ CancelledError  12 ms"
    assert header(background_ns=5_000_000)[0] == "GET /users/{id}  200  12 ms + 5 ms background"


def test_ids_are_told_once_and_the_path_where_it_is_not_the_route() -> None:
    assert header(id="mine")[1] == "id mine · trace 4f1c09abd2e84c7f9e0b6a7d8c5e3f21 · path /users/42"
    assert "trace" not in header()[1]
    assert "path" not in header(path="/users", route="/users")[1]
    assert "called by span 00f067aa0ba902b7" in header(remote_parent_id="00f067aa0ba902b7")[1]


def test_messages_are_counted_for_connections_only() -> None:
    assert "messages in 3, out 4" in header(kind="websocket", messages_in=3, messages_out=4)[2]
    assert "messages" not in header(messages_out=4)[2]


def test_the_caller_is_told_as_far_as_known() -> None:
    assert len(header()) == 4
    assert header(attributes={"client.address": "192.0.2.7"})[3] == "from 192.0.2.7"
    said = {"client.address": "::1", "server.address": "a b", "network.protocol.version": "2"}
    assert header(attributes=said)[3] == 'from ::1 · to http://"a b" · HTTP 2'


def test_a_request_without_service_or_first_byte_leaves_them_out() -> None:
    assert " · pid 4711 · 1 spans" in header(service="", first_byte_ns=None)[2]


def test_what_is_not_shown_is_counted_and_how_to_see_it_said() -> None:
    whole = make_trace(make_span("GET", 0, 12))
    said = "not shown: 7 spans, 2 steps: too many; --all shows them, and takes its time"
    assert left_out(whole) == ""
    assert plain([*header_lines(replace(whole, left_out=LeftOut(spans=7, steps=2)), START_NS)][-1]) == said
