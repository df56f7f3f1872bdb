"""Findings explained by a program of the user's."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scope.config import load
from scope.instrument.analyse import Finding, Severity
from scope.views.explain import Explainer, ExplainError
from tests.support.waiting import eventually

SOURCE = "\n".join(f"line = {number}" for number in range(1, 101))
FINDING = Finding("blocking-call", Severity.HIGH, "time.sleep holds the event loop", "shop.py", 50, "shop.idle")


def explainer(folder: Path, program: str, timeout_s: int = 60) -> Explainer:
    """One that runs a program in Python."""
    return Explainer((sys.executable, "-c", program), timeout_s, folder)


def asked(folder: Path, source: str = SOURCE, finding: Finding = FINDING) -> dict[str, dict[str, Any]]:
    """What the program gets."""
    (folder / "shop.py").write_text(source, encoding="utf-8")
    question: dict[str, dict[str, Any]] = json.loads(
        explainer(folder, "import sys; print(sys.stdin.read())").explain(finding)
    )
    return question


def test_the_program_gets_the_finding_and_the_source_around_it(tmp_path: Path) -> None:
    question = asked(tmp_path)
    assert question["finding"]["rule"] == "blocking-call"
    assert question["finding"]["advice"]
    assert question["excerpt"]["first_line"] == 35
    assert question["excerpt"]["source"].splitlines() == [f"line = {number}" for number in range(35, 66)]
    assert asked(tmp_path, finding=replace(FINDING, line=3))["excerpt"]["first_line"] == 1


def test_secrets_do_not_leave(tmp_path: Path) -> None:
    lines = SOURCE.splitlines()
    lines[47] = "client = connect('postgres://shop:hunter2hunter2@db/shop', api_key='0123456789abcdef')"
    source = asked(tmp_path, "\n".join(lines))["excerpt"]["source"]
    assert "hunter2" not in source
    assert "0123456789abcdef" not in source
    assert "line = 51" in source


def test_no_source_leaves_of_a_file_with_a_private_key(tmp_path: Path) -> None:
    """The excerpt might begin within it."""
    body = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"] * 30)
    begin, end = (f"-----{word} PRIVATE KEY-----" for word in ("BEGIN", "END"))
    key = f"KEY = '''\n{begin}\n{body}\n{end}\n'''\n"
    assert asked(tmp_path, key + SOURCE, replace(FINDING, line=40))["excerpt"]["source"] == ""


def test_no_source_is_given_of_a_file_that_is_gone(tmp_path: Path) -> None:
    question = json.loads(explainer(tmp_path, "import sys; print(sys.stdin.read())").explain(FINDING))
    assert question["excerpt"] == {"first_line": 50, "source": ""}


def test_an_explanation_is_bounded(tmp_path: Path) -> None:
    assert explainer(tmp_path, "print('  x' * 100_000)").explain(FINDING).startswith("x  x")
    assert len(explainer(tmp_path, "print('x' * 100_000)").explain(FINDING)) == 4000


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('no such model')", "exited with 1: no such model"),
        ("import sys; sys.exit(3)", "exited with 3: it did not say why"),
        ("import os; os.close(0); raise SystemExit(4)", "exited with 4"),
    ],
)
def test_a_program_that_fails_is_told_of(tmp_path: Path, program: str, message: str) -> None:
    with pytest.raises(ExplainError, match=message):
        explainer(tmp_path, program).explain(FINDING)


def test_a_program_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ExplainError, match="no-such-program: No such file"):
        Explainer(("no-such-program",), 1, tmp_path).explain(FINDING)


def test_a_program_that_takes_too_long_ends_with_all_that_it_started(tmp_path: Path) -> None:
    """Also where what it started holds its output open, and is waiting itself."""
    note = tmp_path / "pid"
    program = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"open({str(note)!r}, 'w').write(str(child.pid)); time.sleep(600)"
    )
    with pytest.raises(ExplainError, match="took longer than 3 s"):
        explainer(tmp_path, program, 3).explain(FINDING)
    assert eventually(lambda: _has_ended(int(note.read_text())))


def _has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # An orphan that nobody has waited for yet.
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"


def test_settings_name_the_program(tmp_path: Path) -> None:
    config = load(overrides={"analyse": {"explain_command": "ask --model 'the best'", "explain_timeout_s": "5s"}})
    assert Explainer.configured(config.analyse, tmp_path) == Explainer(("ask", "--model", "the best"), 5, tmp_path)


@pytest.mark.parametrize(("command", "message"), [("", "set analyse.explain_command"), ("ask 'it", "cannot be read")])
def test_settings_that_name_none_are_told_of(tmp_path: Path, command: str, message: str) -> None:
    config = load(overrides={"analyse_explain_command": command})
    with pytest.raises(ExplainError, match=message):
        Explainer.configured(config.analyse, tmp_path)
