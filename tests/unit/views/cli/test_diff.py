"""``scope diff``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.views.cli.conftest import Scope


def test_equal_requests_exit_with_0(scope: Scope) -> None:
    result = scope("diff", "users-0", "users-1")
    assert result.exit_code == 0
    assert "no difference" in result.stdout


def test_different_requests_exit_with_1(scope: Scope) -> None:
    result = scope("diff", "users-0", "failing")
    assert result.exit_code == 1
    assert "CardDeclined" in result.stdout
    assert "charge" in result.stdout


def test_all_shows_what_is_the_same(scope: Scope) -> None:
    assert "SELECT users" in scope("diff", "users-0", "users-1", "--all").stdout


def test_json_has_both_requests_and_every_place(scope: Scope) -> None:
    result = scope("diff", "users-0", "slow", "--json")
    diff = json.loads(result.stdout)
    assert (diff["a"]["id"], diff["b"]["id"], diff["different"], diff["whole"]) == ("users-0", "slow", True, True)
    assert [(each["name"], each["a"]["calls"], each["b"]["calls"]) for each in diff["places"][1:]] == [
        ("SELECT users", 8, 8),
        ("send mail", 0, 1),
    ]
    assert result.exit_code == 1


def test_an_id_that_nothing_has_is_a_failure(scope: Scope) -> None:
    result = scope("diff", "users-0", "nobody")
    assert result.exit_code == 1
    assert "nobody" in result.stderr
