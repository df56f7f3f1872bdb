"""``scope run`` and ``scope collect``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from scope.config import load
from scope.views.cli import cli
from scope.views.cli import run as run_module
from scope.views.cli.hints import scope_command
from scope.views.collector_status import is_running
from tests.unit.views.cli.conftest import clean_environment, run_scope

if TYPE_CHECKING:
    from collections.abc import Callable

# A program that was not prepared: the few lines of it that are a server are uvicorn's.
APP = """
import os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive(); await send({"type": "lifespan.startup.complete"})
        await receive(); await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
"""
SERVE = """
import threading, urllib.request, uvicorn, sys, time
server = uvicorn.Server(uvicorn.Config("plain:app", port=0, log_level="critical"))
thread = threading.Thread(target=server.run)
thread.start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
for number in range(3):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{number}", headers={"X-Request-ID": f"run-{number}"})
    urllib.request.urlopen(request).read()
server.should_exit = True
thread.join()
sys.exit(7)
"""


def invoke(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--dir", str(directory), "run", *arguments])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "session"


def ids(directory: Path) -> list[str]:
    listed = json.loads(run_scope(directory, "ls", "--json=id", "-f", "kind:http").stdout)
    return [request["id"] for request in listed]


def test_a_server_is_traced_without_a_change_to_its_code(directory: Path, tmp_path: Path) -> None:
    """All of its requests are stored when it has ended, its exit code comes back, no collector is left."""
    (tmp_path / "plain.py").write_text(APP)
    (tmp_path / "serve.py").write_text(SERVE)
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(directory), "run", sys.executable, "serve.py"]
    environment = clean_environment() | {"PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 7, ran.stderr
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    assert f"--dir {os.path.relpath(directory, tmp_path)} ls" in ran.stderr
    assert sorted(ids(directory)) == ["run-0", "run-1", "run-2"]
    assert not is_running(load(overrides={"dir": directory}))


def test_a_program_without_requests_is_told_so(directory: Path) -> None:
    result = invoke(directory, "--", sys.executable, "-c", "raise SystemExit(3)")
    assert result.exit_code == 3
    assert "no request was traced" in result.stderr


def test_options_of_the_program_are_its_own(directory: Path) -> None:
    code = "import sys; sys.exit(sys.argv[1:] != ['--json', '--help', '-n'])"
    assert invoke(directory, sys.executable, "-c", code, "--json", "--help", "-n").exit_code == 0


def test_a_death_by_signal_is_128_and_its_number(directory: Path) -> None:
    assert invoke(directory, sys.executable, "-c", "import os; os.kill(os.getpid(), 15)").exit_code == 143


def test_a_signal_goes_through_and_everything_is_stored_still(directory: Path) -> None:
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(9)); print(1, flush=True); time.sleep(30)"
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(directory), "run", sys.executable, "-c", code]
    with subprocess.Popen(
        command, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 9
    assert not is_running(load(overrides={"dir": directory}))


@pytest.mark.parametrize(
    ("name", "code", "words"), [("no-such-program", 127, "not found"), ("./plain", 126, "executed")]
)
def test_what_cannot_be_run_is_told_as_shells_do(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").write_text("no program")
    result = invoke(directory, name)
    assert result.exit_code == code
    assert words in result.stderr
    assert not directory.exists(), "nothing was started"


def test_a_program_beside_our_interpreter_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a virtual environment that is not activated."""
    program = tmp_path / "only-here"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert run_module._found("only-here") == str(program)


def test_a_collector_that_runs_already_is_used_and_left(directory: Path) -> None:
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(directory), "collect"]
    with subprocess.Popen(command, env=clean_environment(), stderr=subprocess.DEVNULL) as collector:
        config = load(overrides={"dir": directory})
        wait_until(lambda: is_running(config))
        assert invoke(directory, sys.executable, "-c", "").exit_code == 0
        assert collector.poll() is None
        collector.terminate()
        assert collector.wait(10) == 0


def test_a_collector_that_cannot_start_is_told_of_and_the_program_runs(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.mkdir(mode=0o700)
    (directory / "store").touch()
    result = invoke(directory, sys.executable, "-c", "raise SystemExit(5)")
    assert result.exit_code == 5
    assert f"the collector failed; {directory / 'collector.log'} says why" in result.stderr
    assert (directory / "collector.log").read_text()


def test_a_collector_that_stores_for_long_is_left_to_it(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        pid = 4242

        def wait(self, timeout: float) -> int:
            raise subprocess.TimeoutExpired("collect", timeout)

    slow: Any = Slow()
    assert run_module._ended(slow) == 0


# --- collect ---


def test_two_collectors_do_not_share_a_directory(directory: Path) -> None:
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(directory), "collect"]
    with subprocess.Popen(command, env=clean_environment(), stderr=subprocess.DEVNULL) as collector:
        config = load(overrides={"dir": directory})
        wait_until(lambda: is_running(config))
        second = run_scope(directory, "collect")
        assert second.returncode == 1
        assert b"a collector" in second.stderr
        assert b"Traceback" not in second.stderr
        collector.send_signal(signal.SIGINT)
        assert collector.wait(10) == 0


def wait_until(true: Callable[[], bool], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- hints ---


def test_hints_are_commands_that_work_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "bin" / "scope"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert scope_command(load()) == "bin/scope"
    monkeypatch.setenv("PATH", str(program.parent))
    assert scope_command(load()) == "scope"
    assert scope_command(load(overrides={"dir": tmp_path / "a b"})) == "scope --dir 'a b'"
    assert scope_command(load(overrides={"dir": "/elsewhere"})) == "scope --dir /elsewhere"
    monkeypatch.setattr(sys, "argv", ["/x/scope/__main__.py"])
    assert scope_command(load()) == "python -m scope"
