"""``scope tail``."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from subprocess import PIPE
from typing import TYPE_CHECKING, Any

from scope.model import RequestSummary
from scope.store import Cursor, Reader
from scope.views.cli.output import Pipe
from tests.unit.views.cli.conftest import clean_environment, run_scope, tracing
from tests.unit.views.samples import make_request, make_span, make_trace

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.unit.views.cli.conftest import Scope

BATCHES: tuple[list[RequestSummary], ...] = (
    [make_request(id="a", status=200), make_request(id="b", status=503)],
    [],
    [make_request(id="c", status=500)],
)


def play(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store gets these requests one batch after the other."""
    batches = iter(BATCHES)

    def tail(self: Reader, after: Cursor | None = None) -> tuple[list[RequestSummary], Cursor]:
        return ([], Cursor(0)) if after is None else (list(next(batches)), Cursor(after.value + 1))

    monkeypatch.setattr(Reader, "tail", tail)
    monkeypatch.setattr(Reader, "trace", lambda *_: make_trace(make_span("GET", 0, 1)))


def followed(scope: Scope, *arguments: str) -> list[dict[str, Any]]:
    result = scope("tail", *arguments)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_pipe_gets_an_object_a_line(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch)
    assert [request["id"] for request in followed(scope, "--limit", "3")] == ["a", "b", "c"]


def test_a_terminal_gets_a_line_a_request(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    class Narrow(Pipe):
        width = 80

    play(monkeypatch)
    monkeypatch.setattr("scope.views.cli.invocation.open_output", Narrow)
    lines = scope("tail", "--limit", "2").stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["a", "b"]
    assert "/users/{id}" in lines[0]


def test_fields_can_be_chosen(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch)
    assert followed(scope, "--limit", "1", "--json=status,id") == [{"status": 200, "id": "a"}]


def test_only_what_meets_the_filter_is_shown(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch)
    assert [each["id"] for each in followed(scope, "-n", "2", "-f", "status>=500 span:GET")] == ["b", "c"]


def test_a_bad_filter_is_refused_before_anything_is_opened(scope: Scope) -> None:
    assert scope("tail", "-f", "status").exit_code == 2


def test_requests_appear_as_they_end_and_ctrl_c_stops(tmp_path: Path) -> None:
    """What ends after the start is shown; an interrupt exits with 130 and without a traceback."""
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(tmp_path / "own"), "tail", "--json=id,state"]
    with (
        tracing(tmp_path / "own") as traced,
        subprocess.Popen(command, env=clean_environment(), stdout=PIPE, stderr=PIPE) as process,
    ):
        time.sleep(1)
        traced.process.kill()
        traced.process.wait()
        assert run_scope(traced.directory, "collect", "--once").returncode == 0
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"id": "hanging", "state": "aborted"}
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert b"Traceback" not in errors
