"""``scope plan``: the analysis of the example shop, as text, JSON and SARIF."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from example_app.admin import create_admin
from example_app.main import app
from example_app.payments import app as payments
from scope.config import load
from scope.instrument.plan import Candidate, Level, Plan, read_rules
from scope.views.cli import cli

SHOP = str(Path(__file__).parents[4] / "example_app")


def plan(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["plan", *arguments], prog_name="scope")


def parsed(*arguments: str) -> Any:
    return json.loads(plan(*arguments).stdout)


def test_routes_are_those_that_the_application_has() -> None:
    """By the schema that FastAPI makes of it, which has neither WebSockets nor what is mounted."""
    parts = (("", app), ("/admin", create_admin()), ("", payments))
    existing = {
        (f"{prefix}{path}", method.upper())
        for prefix, part in parts
        for path, methods in part.openapi()["paths"].items()
        for method in methods
    }
    routes = parsed(SHOP, "--json")["routes"]
    assert {(each["path"], method) for each in routes for method in each["methods"]} == existing
    assert {each["path"] for each in routes if not each["methods"]} == {"/chat/{room}", "/failures/socket"}


def test_text_has_counts_routes_findings_and_what_to_do() -> None:
    text = plan(SHOP).stdout
    assert "32 routes that lead to" in text
    assert "POST /checkout  example_app.checkout.check_out  checkout.py:" in text
    assert "blocking-call  time.sleep holds the event loop in async stocktake" in text
    assert "blocking-call: it holds the event loop" in text
    assert "... and 12 more: --all shows them" in text
    assert "Proposed plan: " in text
    assert "more: --all" not in plan(SHOP, "--all").stdout


def test_sarif_points_at_rules_and_places() -> None:
    log = parsed(SHOP, "--sarif")
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    [blocking] = [each for each in run["results"] if each["ruleId"] == "blocking-call"]
    place = blocking["locations"][0]["physicalLocation"]
    assert (blocking["level"], place["artifactLocation"]["uri"]) == ("error", "reports.py")
    assert "time.sleep" in Path(SHOP, "reports.py").read_text().splitlines()[place["region"]["startLine"] - 1]


def test_it_fails_from_the_severity_on_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("async def f():\n    open('x')\n")
    codes = {severity: plan(str(tmp_path), "--fail-on", severity).exit_code for severity in ("low", "medium", "high")}
    assert codes == {"low": 1, "medium": 0, "high": 0}
    assert plan(str(tmp_path)).exit_code == 0


def test_what_is_not_there_and_what_is_not_read_is_said(tmp_path: Path) -> None:
    assert plan(str(tmp_path / "nothing")).exit_code == 2
    (tmp_path / "bad.py").write_text("def (:\n")
    assert "not read: bad.py: " in plan(str(tmp_path)).stdout


@pytest.mark.parametrize("form", ["--json", "--sarif"])
def test_an_empty_directory_has_nothing(tmp_path: Path, form: str) -> None:
    assert plan(str(tmp_path)).stdout.startswith("0 modules, 0 functions, 0 routes")
    assert plan(str(tmp_path), form).exit_code == 0


def test_rules_are_a_file_that_scope_run_and_the_settings_take(tmp_path: Path) -> None:
    file = tmp_path / "plan.rules"
    result = plan(SHOP, "--rules", str(file))
    assert (result.stdout, result.exit_code) == ("", 0)
    rules = read_rules(str(file))
    assert load(overrides={"probes_rules": [str(rule) for rule in rules]}).probes.rules == tuple(map(str, rules))
    decided = Plan(rules, own_level=Level.OFF)
    proposed = parsed(SHOP, "--json")["plan"]
    levels = [decided.level(Candidate(each["module"], each["function"])).word for each in proposed]
    assert levels == [each["level"] for each in proposed]


def test_rules_say_what_they_cost_and_why_they_are_off() -> None:
    lines = plan(SHOP, "--rules").stdout.splitlines()
    assert all(line.partition("#")[2] for line in lines)
    assert re.fullmatch(
        r"example_app=timing +# \d+ functions, [\d.]+ µs a request; most of it \w+: 10 calls, guessed", lines[4]
    )
    assert lines[5].endswith("# a few lines that call nothing: look_up")


def test_rules_of_what_has_no_routes_are_none(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def f(): pass\n")
    lines = plan(str(tmp_path), "--rules").stdout.splitlines()
    assert "there is no rule" in lines[-1]
    assert all(line.startswith("#") for line in lines)


def test_a_file_of_rules_that_cannot_be_written_is_a_mistake_of_usage(tmp_path: Path) -> None:
    result = plan(SHOP, "--rules", str(tmp_path / "none" / "plan.rules"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
