"""``scope plan``: the analysis of the example shop, as text, JSON and SARIF."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from example_app.admin import create_admin
from example_app.main import app
from example_app.payments import app as payments
from scope.config import load
from scope.instrument.plan import Candidate, Level, Plan, read_rules
from scope.model import Event, EventType
from scope.views.cli import cli
from scope.wire.encode import encode_records
from tests.unit.store.kit import LOAD, OFFSET_NS, START_NS, begun, store, summary

SHOP = str(Path(__file__).parents[4] / "example_app")


MS = 1_000_000


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


@pytest.fixture
def measured(tmp_path: Path) -> tuple[str, ...]:
    """Arguments for a code base of two routes of which one was asked for, and held its loop for 300 ms."""
    source = "def load(id):\n    return open(id)\n" + "".join(
        f"@app.get('/{path}/{{id}}')\nasync def {path}(id):\n    return load(id)\n" for path in ("items", "never")
    )
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "items.py").write_text(f"from fastapi import FastAPI\napp = FastAPI()\n{source}")
    start_ns = START_NS + MS
    began = start_ns - OFFSET_NS
    inside = [
        Event(EventType.FUNCTION_ENTER, began + 10_000, 1, 2, 1, LOAD),
        Event(EventType.FUNCTION_EXIT, began + 301 * MS, 1, 2, 1, LOAD, {"outcome": 0}),
        Event(EventType.LOOP_STEP, began + 301 * MS, 1, payload={"ran_ns": 300 * MS, "waited_ns": 0, "flags": 0}),
    ]
    blob = encode_records(begun(1, start_ns) + inside, 512)
    end_ns = start_ns + 302 * MS
    store(tmp_path / "scope" / "store", [summary(1, blob=blob, response_end_ns=end_ns, end_ns=end_ns, spans=2)])
    return ("--dir", str(tmp_path / "scope"), "plan", str(package), "--from-store")


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="scope")


def test_measured_traces_correct_the_findings(measured: tuple[str, ...]) -> None:
    told = json.loads(asked(*measured, "--json").stdout)
    [finding] = told["findings"]
    example = f"{1:032x}"
    assert (finding["rule"], finding["severity"]) == ("blocking-call", "high")
    assert finding["cost"] == {
        "calls": 1,
        "cost_ns": 300 * MS,
        "summary": f"held the loop 300 ms, id {example}",
        "example": example,
    }
    assert told["measured"]["looked_at"] == told["measured"]["stored"] == 1
    assert [(each["path"], each["requests"]) for each in told["measured"]["routes"]] == [
        ("/items/{id}", 1),
        ("/never/{id}", 0),
    ]
    [load] = told["measured"]["functions"]
    assert (load["function"], load["calls"], load["held_ns"], load["held_in"]) == ("load", 1, 300 * MS, example)
    [planned] = [each for each in told["plan"] if each["function"] == "load"]
    assert planned["basis"] == "measured in 1 request"


def test_measured_traces_are_told_as_text(measured: tuple[str, ...]) -> None:
    text = asked(*measured).stdout
    assert "1 traces of 1 stored requests, 1 functions seen in them; never called: 1 of 2 routes" in text
    assert "301 ms a request  shop.items.load  1 call, the longest 301 ms, held the loop 300 ms  items.py:3" in text
    assert "never called  GET /never/{id}  items.py:8" in text
    assert f"held the loop 300 ms, id {1:032x}" in text


def test_measured_traces_are_in_the_log_for_code_scanners(measured: tuple[str, ...]) -> None:
    [result] = json.loads(asked(*measured, "--sarif").stdout)["runs"][0]["results"]
    assert (result["level"], result["properties"]["cost_ns"]) == ("error", 300 * MS)
    assert "held the loop 300 ms" in result["message"]["text"]


def test_rules_rest_on_what_was_measured(measured: tuple[str, ...]) -> None:
    text = asked(*measured, "--rules").stdout
    assert "3 functions, 360 ns a request" in text


def test_times_before_any_request_leave_it_as_it_was(measured: tuple[str, ...]) -> None:
    told = json.loads(asked(*measured, "--since", "2100-01-01", "--json").stdout)
    assert told["measured"]["stored"] == 0
    assert [(each["severity"], each["cost"]) for each in told["findings"]] == [("low", None)]


def test_since_without_a_store_is_a_mistake_of_usage() -> None:
    result = plan(SHOP, "--since", "1h")
    assert result.exit_code == 2
    assert "--from-store" in result.stderr


def test_a_store_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert asked("--dir", str(tmp_path / "none"), "plan", SHOP, "--from-store").exit_code == 4


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import json, sys; print('Use', json.load(sys.stdin)['finding']['rule'], 'better.\\nSoon.')"
    monkeypatch.setenv("SCOPE_ANALYSE_EXPLAIN_COMMAND", shlex.join([sys.executable, "-c", program]))


@pytest.mark.usefixtures("explained")
def test_the_worst_findings_are_explained_in_every_form(tmp_path: Path) -> None:
    calls = "\n".join(f"    open('{number}')" for number in range(7))
    (tmp_path / "main.py").write_text(f"async def f():\n{calls}\n")
    text = plan(str(tmp_path), "--explain").stdout
    assert "blocking-call  main.py:2\n  Use blocking-call better.\n  Soon.\n" in text
    findings = parsed(str(tmp_path), "--explain", "--json")["findings"]
    assert [bool(each["explanation"]) for each in findings] == [True] * 5 + [False] * 2
    [run] = parsed(str(tmp_path / "main.py"), "--explain", "--sarif")["runs"]
    assert run["results"][0]["properties"] == {"explanation": "Use blocking-call better.\nSoon."}
    assert "properties" not in run["results"][6]


def test_without_a_program_nothing_is_explained(tmp_path: Path) -> None:
    result = plan(str(tmp_path), "--explain")
    assert result.exit_code == 1
    assert "set analyse.explain_command" in result.stderr
