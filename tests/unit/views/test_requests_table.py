"""Requests in lists."""

from __future__ import annotations

from typing import Any

import pytest

from scope.views.lines import plain
from scope.views.requests_table import request_line, request_lines, short_id, short_time
from tests.unit.views.samples import START_NS, make_request

DAY_NS = 86_400_000_000_000


def row(**fields: Any) -> list[str]:
    (_, line) = request_lines([make_request(**fields)], START_NS, 200)
    return plain(line).split("  ")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ""),
        ({"error": "KeyError", "outcome": "exception"}, "✗ KeyError"),
        ({"outcome": "disconnected"}, "disconnected"),
        ({"state": "aborted"}, "aborted"),
        ({"state": "open", "lost": 2}, "open, lost 2 events"),
        ({"complete": False}, "incomplete"),
        ({"state": "aborted", "outcome": "cancelled", "complete": False}, "aborted"),
    ],
)
def test_remarks_say_what_was_not_as_usual(fields: dict[str, Any], expected: str) -> None:
    remark = "".join(row(**fields)).rpartition("4f1c09abd2e8")[2]
    assert remark == expected


@pytest.mark.parametrize(("state", "expected"), [("done", "-"), ("open", "open"), ("aborted", "aborted")])
def test_without_a_status_the_state_stands_there(state: str, expected: str) -> None:
    assert expected in [cell.strip() for cell in row(status=None, state=state)]


def test_a_connection_has_its_kind_for_a_method_and_without_a_route_the_path_is_shown() -> None:
    cells = row(kind="websocket", method="", route=None, path="/chat/7")
    assert cells[1:3] == ["websocket", "/chat/7"]


def test_trace_ids_are_shortened_and_callers_ids_are_not() -> None:
    assert short_id(make_request()) == "4f1c09abd2e8"
    assert short_id(make_request(id="a-caller-s-own-very-long-id")) == "a-caller-s-own-very-long-id"


def test_times_of_today_need_no_date() -> None:
    assert short_time(START_NS, START_NS + 1000) == "22:13:20.000"
    assert short_time(START_NS, START_NS + DAY_NS) == "2023-11-14 22:13"
    assert short_time(10**40, START_NS) == "@1e+31"


def test_a_line_by_itself_is_aligned_with_others() -> None:
    lines = [
        plain(request_line(make_request(**fields), START_NS, short=True))
        for fields in ({}, {"method": "DELETE", "route": "/a", "status": None, "error": "KeyError"})
    ]
    assert lines[0] == "22:13:20.000  GET      /users/{id}                           200      12 ms     2  4f1c09abd2e8"
    assert lines[1].index("4f1c09abd2e8") == lines[0].index("4f1c09abd2e8")
    assert lines[1].endswith("✗ KeyError")
