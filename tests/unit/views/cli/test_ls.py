"""``scope ls``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scope.store import JSON_FIELDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.views.cli.conftest import Scope

ALL = {"users-0", "users-1", "users-2", "missing", "failing", "slow", "chat", "hostile", "hanging"}


def listed(scope: Scope, *arguments: str) -> list[dict[str, Any]]:
    result = scope("ls", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    requests: list[dict[str, Any]] = json.loads(result.stdout)
    return requests


def ids(scope: Scope, condition: str) -> set[str]:
    return {request["id"] for request in listed(scope, "-f", condition)}


def test_requests_are_listed_newest_first_open_ones_too(scope: Scope) -> None:
    requests = listed(scope)
    assert {request["id"] for request in requests} == ALL
    assert [request["start_ns"] for request in requests] == sorted(
        (request["start_ns"] for request in requests), reverse=True
    )
    assert [request["id"] for request in requests if request["state"] == "open"] == ["hanging"]


def test_a_table_has_a_line_for_each(scope: Scope) -> None:
    lines = scope("ls").stdout.splitlines()
    assert lines[0].split() == ["time", "method", "route", "status", "duration", "spans", "id", "remarks"]
    assert len(lines) == len(ALL) + 1
    failing = next(line for line in lines if "failing" in line)
    assert "CardDeclined" in failing


def test_json_has_every_field(scope: Scope) -> None:
    assert all(tuple(request) == JSON_FIELDS for request in listed(scope))


def test_json_fields_can_be_chosen_by_name_or_alias(scope: Scope) -> None:
    result = scope("ls", "--json=id,dur,err", "-f", "id:failing")
    (request,) = json.loads(result.stdout)
    assert list(request) == ["id", "duration_ns", "error"]


def test_an_unknown_json_field_is_refused_with_a_suggestion(scope: Scope) -> None:
    result = scope("ls", "--json=rout")
    assert result.exit_code == 2
    assert "did you mean 'route'?" in result.stderr
    assert "fields are id, trace_id" in scope("ls", "--json=zzz").stderr
    assert "unknown field 'span'" in scope("ls", "--json=span").stderr


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("status:404", {"missing"}),
        ("status>=500", {"failing"}),
        ("err:CardDeclined", {"failing"}),
        ("kind:websocket", {"chat"}),
        ("state:open", {"hanging"}),
        ("span:charge", {"failing"}),
        ('span:"wait for stock"', {"hanging"}),
        ("span.dur>=20ms", {"slow"}),
        ('span:"send mail" span.dur>1ms', {"slow"}),
        ("span:SELECT* span.dur>15ms", set()),
        ("attr.warehouse:3", {"hanging"}),
        ("attr.amount>16 path:/fail OR path:/slow", {"failing", "slow"}),
        ("-kind:http", {"chat"}),
        ("since:1h until:1h", set()),
        ("id:users-* -id:users-1", {"users-0", "users-2"}),
        ("pid>0 service:shop bytes_out>=512 method:GET -path:/users", {"missing", "slow", "hostile"}),
    ],
)
def test_filters_find_what_they_say(scope: Scope, condition: str, expected: set[str]) -> None:
    assert ids(scope, condition) == expected


def test_since_is_an_option_too(scope: Scope) -> None:
    assert len(listed(scope, "--since", "1h")) == len(ALL)
    assert listed(scope, "--since", "2100-01-01") == []
    result = scope("ls", "--since", "soon")
    assert result.exit_code == 2
    assert "'soon' is no time" in result.stderr


def test_the_greatest_come_first_when_sorted(scope: Scope) -> None:
    durations = [request["duration_ns"] for request in listed(scope, "--sort", "dur")]
    assert durations == sorted(durations, reverse=True)


def test_no_more_than_the_limit(scope: Scope) -> None:
    assert len(listed(scope, "--limit", "2")) == 2
    assert scope("ls", "--limit", "0").exit_code == 2


def test_a_filter_that_is_not_understood_shows_the_place(scope: Scope) -> None:
    result = scope("ls", "-f", "dur>1ms stauts:5xx")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "scope: unknown field 'stauts': did you mean 'status'? (at character 9 of the filter)",
        "  dur>1ms stauts:5xx",
        "          ^^^^^^",
    ]


def test_nothing_found_is_no_failure_unless_asked_so(scope: Scope) -> None:
    found = scope("ls", "-f", "path:/nowhere")
    assert (found.exit_code, found.stdout) == (0, "")
    assert found.stderr
    assert scope("ls", "-f", "path:/nowhere", "--fail-empty").exit_code == 3
    assert scope("ls", "-f", "path:/nowhere", "--json").stdout == "[]\n"
    assert scope("ls", "--fail-empty").exit_code == 0


def test_without_a_store_it_is_unavailable(scope: Scope, tmp_path: Path) -> None:
    result = scope("--dir", str(tmp_path / "none"), "ls")
    assert result.exit_code == 4
    assert "there is no store" in result.stderr


def test_nothing_that_a_caller_sent_reaches_the_terminal(scope: Scope) -> None:
    text = scope("ls").stdout
    assert r"/\x1b]0;owned\x07\u202e" in text
    assert all(line.isprintable() for line in text.splitlines())
    assert all(line.isprintable() for line in scope("ls", "--json").stdout.splitlines())
