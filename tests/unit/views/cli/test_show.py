"""``scope show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.views.cli.conftest import Scope


def shown(scope: Scope, reference: str) -> dict[str, Any]:
    result = scope("show", reference, "--json")
    assert result.exit_code == 0, result.stderr
    made: dict[str, Any] = json.loads(result.stdout)
    return made


def test_json_has_the_request_and_its_spans(scope: Scope) -> None:
    made = shown(scope, "failing")
    assert made["request"]["id"] == "failing"
    assert made["request"]["status"] == 500
    root, charge = made["spans"]
    assert root["parent_id"] is None
    assert root["span_id"] == made["request"]["span_id"]
    assert charge["parent_id"] == root["span_id"]
    assert charge["name"] == "charge"
    assert charge["status"] == "error"
    assert charge["exception"]["type"].endswith("CardDeclined")
    assert isinstance(charge["duration_ns"], int)
    assert root["attributes"]["customer"] == "ann"


def test_the_flag_may_stand_before_the_id(scope: Scope) -> None:
    assert scope("show", "--json", "failing").stdout == scope("show", "failing", "--json").stdout


def test_a_tree_is_the_default(scope: Scope) -> None:
    text = scope("show", "failing").stdout
    assert text == scope("show", "failing", "--tree").stdout
    assert "└─ ✗ charge" in text
    assert "CardDeclined: card \\x1b[31mred\\x1b[0m was declined" in text
    assert "traced_process.py:" in text
    assert "complete" in text
    assert "from 192.0.2.7 · to http://shop.example" in text


def test_the_tree_and_json_are_the_same_tree(scope: Scope) -> None:
    names = [span["name"] for span in shown(scope, "slow")["spans"]]
    lines = scope("show", "slow", "--no-fold").stdout.split("span\n")[1].splitlines()
    assert [name for name in names if not any(name in line for line in lines)] == []
    assert len(lines) == len(names)


def test_equal_neighbours_are_folded_unless_asked_otherwise(scope: Scope) -> None:
    assert "×8 SELECT users" in scope("show", "slow").stdout
    assert "×8" not in scope("show", "slow", "--no-fold").stdout
    assert scope("show", "slow", "--no-fold").stdout.count("SELECT users") == 8


def test_a_waterfall_has_bars(scope: Scope) -> None:
    text = scope("show", "slow", "--waterfall").stdout
    assert "█" in text
    assert "▒" in text, "what ran after the response is shaded"


def test_short_spans_can_be_hidden(scope: Scope) -> None:
    text = scope("show", "slow", "--min", "15ms").stdout
    assert "SELECT users" not in text
    assert "send mail" in text
    result = scope("show", "slow", "--min", "15")
    assert result.exit_code == 2
    assert "needs a unit" in result.stderr


def test_markdown_is_markdown(scope: Scope) -> None:
    text = scope("show", "failing", "--md").stdout
    assert text.startswith("# `GET /fail`: 500")
    assert "```text" in text


def test_an_open_request_is_shown_as_far_as_it_got(scope: Scope) -> None:
    text = scope("show", "hanging").stdout
    assert "open: still running" in text
    assert "wait for stock" in text
    assert shown(scope, "hanging")["spans"][1]["duration_ns"] is None


@pytest.mark.parametrize(
    ("reference", "id"), [("@last", "hanging"), ("@slowest", "slow"), ("@last-error", "failing"), ("mis", "missing")]
)
def test_a_reference_may_be_a_shorthand_or_a_beginning(scope: Scope, reference: str, id: str) -> None:
    assert shown(scope, reference)["request"]["id"] == id


def test_trace_ids_are_references_too(scope: Scope) -> None:
    request = shown(scope, "failing")["request"]
    assert shown(scope, request["trace_id"])["request"] == request
    assert shown(scope, request["span_id"])["request"] == request


def test_an_unknown_id_fails(scope: Scope) -> None:
    result = scope("show", "nobody")
    assert result.exit_code == 1
    assert "no stored request has an id that begins with 'nobody'" in result.stderr
    assert result.stdout == ""


def test_a_beginning_of_several_lists_them(scope: Scope) -> None:
    result = scope("show", "users-")
    assert result.exit_code == 1
    assert {"users-0  GET /users", "users-1  GET /users", "users-2  GET /users"} <= {
        line.strip() for line in result.stderr.splitlines()
    }


def test_an_id_is_needed(scope: Scope) -> None:
    assert scope("show").exit_code == 2


@pytest.mark.parametrize("form", ["--tree", "--waterfall", "--md", "--json"])
def test_nothing_that_a_caller_sent_reaches_the_terminal(scope: Scope, form: str) -> None:
    for reference in ("hostile", "failing"):
        assert all(line.isprintable() for line in scope("show", reference, form).stdout.splitlines())


def test_of_a_request_that_is_too_big_part_is_shown_and_all_on_request(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shown(scope, "slow")
    monkeypatch.setattr("scope.views.cli.show.SHOWN_AT_MOST", 3)
    cut = shown(scope, "slow")
    assert len(cut["spans"]) == 4
    assert cut["truncated"]["spans"] == len(whole["spans"]) - 4
    text = scope("show", "slow").stdout
    assert f"not shown: {cut['truncated']['spans']} spans" in text
    assert "more spans below, not shown" in text
    assert json.loads(scope("show", "slow", "--json", "--all").stdout) == whole
    assert "not shown" not in scope("show", "slow", "--all").stdout
