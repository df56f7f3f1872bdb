"""``scope probe``."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import click
from click.testing import CliRunner, Result

from scope.config import load
from scope.config.probe_wishes import read_probe_wishes
from scope.instrument.plan import Level
from scope.views.cli import cli
from scope.views.cli.probe import command

NS = 10**9


def probe(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["probe", *arguments])


def asked() -> list[str]:
    return [wish.rule for wish in read_probe_wishes(load().probe_wishes_path)]


def test_functions_are_asked_for_and_listed_until_they_are_not() -> None:
    first = probe("shop.pricing.*", "@app.task", "--for", "90s")
    assert first.exit_code == 0
    assert first.stdout.splitlines() == ["shop.pricing.*=timing for 1 min 30 s", "@app.task=timing for 1 min 30 s"]
    assert "no collector is running" in first.stderr
    assert probe("shop.models=off").exit_code == 0
    assert asked() == ["shop.pricing.*=timing", "@app.task=timing", "shop.models=off"]
    listed = probe().stdout.splitlines()
    assert [line.split(" for ")[0] for line in listed] == asked()
    assert probe("--stop").stdout == ""
    assert asked() == []


def test_a_wish_holds_for_as_long_as_it_says() -> None:
    before = time.time_ns()
    probe("shop", "--for", "2s")
    (wish,) = read_probe_wishes(load().probe_wishes_path)
    assert before + 2 * NS <= wish.until_ns <= time.time_ns() + 2 * NS


def test_listing_writes_nothing() -> None:
    assert probe().stdout == ""
    assert not Path(load().dir).exists()


def test_options_say_how_deep_and_in_which_requests() -> None:
    asked_for = probe(
        "shop.pricing.*", "shop:tax=off", "--level", "values", "--route", "get /items/{id:int}", "--id", "x"
    )
    assert asked_for.exit_code == 0
    assert asked() == [
        "shop.pricing.*=values if route:GET /items/{id} and id:x",
        "shop:tax=off if route:GET /items/{id} and id:x",
    ]
    assert probe("shop if complexity>=7", "--id", "y").exit_code == 0
    assert asked()[2:] == ["shop=timing if complexity>=7 and id:y"]


def test_levels_are_those_of_plans() -> None:
    (option,) = [each for each in command.params if each.name == "level"]
    assert isinstance(option.type, click.Choice)
    assert list(option.type.choices) == [level.word for level in Level]


def test_the_next_request_has_one_ticket_for_all_functions_and_is_told_when_it_came() -> None:
    probe("shop.pricing.*", "shop.models", "--next", "--route", "/items/{id}")
    first, second = asked()
    assert first.startswith("shop.pricing.*=timing if route:/items/{id} and next:")
    ticket = first.partition("next:")[2]
    assert second.endswith(f" and next:{ticket}")
    assert "taken" not in probe().stdout
    (Path(load().tickets_dir) / ticket).write_text("8f14e45f")
    assert [line.rpartition(", ")[2] for line in probe().stdout.splitlines()] == ["taken by 8f14e45f"] * 2


def test_tickets_of_long_ago_are_removed_once_nobody_asks_for_them() -> None:
    probe("shop", "--next")
    tickets = Path(load().tickets_dir)
    kept = asked()[0].partition("next:")[2]
    for name in (kept, "0ld0ld00", "fresh000"):
        (tickets / name).write_text("x")
    for name in (kept, "0ld0ld00"):
        os.utime(tickets / name, (0, 0))
    probe("shop.models")
    assert {path.name for path in tickets.iterdir()} == {kept, "fresh000"}


def test_json_has_each_rule_in_force_with_the_time_that_is_left() -> None:
    probe("shop if complexity>=7", "--id", "y", "--for", "90s")
    probe("shop.tax", "--next", "--level", "lines", "--route", "GET /a")
    first, second = json.loads(probe("--json").stdout)
    assert 80 * NS < first.pop("left_ns") <= 90 * NS
    assert first.pop("until_ns") > time.time_ns() + 80 * NS
    assert first == {
        "rule": "shop=timing if complexity>=7 and id:y", "functions": "shop", "level": "timing", "complexity": 7,
        "method": None, "route": None, "id": "y", "is_next": False, "taken_by": None,
    }  # fmt: skip
    assert [second[name] for name in ("level", "method", "route", "is_next")] == ["lines", "GET", "/a", True]
    assert probe("--stop", "--json").stdout == "[]\n"


def test_options_that_say_nothing_of_any_function_are_refused() -> None:
    for arguments, why in (
        (["--route", "/a"], "name the functions"),
        (["--stop", "--next"], "name the functions"),
        (["shop if id:x", "--next"], "says itself which requests it is about"),
        (["shop", "--route", "items"], "'route:items' is nothing that a rule can ask for"),
        (["shop", "--id", "a b"], "'id:a b' is nothing that a rule can ask for"),
    ):
        refused = probe(*arguments)
        assert refused.exit_code != 0
        assert why in f"{refused.stderr}{refused.exception}"
    assert asked() == []


def test_what_is_no_pattern_is_refused_and_changes_nothing() -> None:
    for arguments in (["shop pricing"], ["shop=deep"], ["shop", "--for", "soon"]):
        assert probe(*arguments).exit_code != 0
    assert asked() == []
