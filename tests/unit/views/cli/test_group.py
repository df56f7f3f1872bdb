"""The command ``scope`` itself: what it imports, how it fails."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from scope.errors import ScopeError
from scope.views.cli import COMMANDS, cli
from scope.views.cli.invocation import Invocation
from tests.unit.views.cli.conftest import clean_environment, run_scope

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.views.cli.conftest import Scope, Traced


def imported(*arguments: str) -> set[str]:
    """Modules that a run of the command line loads, beyond those that every interpreter here starts with."""
    return loaded("-m", "scope", *arguments) - loaded("-c", "")


def loaded(*arguments: str) -> set[str]:
    command = [sys.executable, "-P", "-X", "importtime", *arguments]
    ran = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if line.startswith("import time:")}


def test_help_lists_every_command_with_its_own_words() -> None:
    """The table that spares importing the commands says what they say."""
    text = CliRunner().invoke(cli, ["--help"]).stdout
    for name, words in COMMANDS.items():
        own = import_module(f"scope.views.cli.{name}").command.help
        assert words in text
        assert own.replace("\n", " ").split(". ")[0].split(".\n")[0].startswith(words.rstrip("."))


def test_help_imports_neither_commands_nor_what_they_need() -> None:
    modules = imported("--help")
    assert "scope.views.cli" in modules
    assert {f"scope.views.cli.{name}" for name in COMMANDS} & modules == set()
    assert {"rich", "sqlite3", "scope.store", "scope.collector"} & modules == set()


def test_a_command_imports_what_it_needs_and_rich_not_for_a_pipe(traced: Traced) -> None:
    modules = imported("--dir", str(traced.directory), "ls")
    assert "scope.store" in modules
    assert {"rich", "json", "scope.collector", "scope.views.cli.show"} & modules == set()


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.stdout.startswith("scope 0.")


@pytest.mark.parametrize("arguments", [["nonsense"], ["ls", "--nonsense"], ["ls", "extra"], ["show"]])
def test_what_is_not_understood_exits_with_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_bad_setting_exits_with_2_and_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPE_SEGMENT_LANES", "many")
    result = CliRunner().invoke(cli, ["ls"])
    assert result.exit_code == 2
    assert "segment.lanes = 'many' (SCOPE_SEGMENT_LANES)" in result.stderr


def test_other_failures_exit_with_1(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Invocation) -> None:
        raise ScopeError("this \x1b[31m failed")

    monkeypatch.setattr(Invocation, "open_store", fail)
    result = scope("ls")
    assert result.exit_code == 1
    assert result.stderr == "scope: this \\x1b[31m failed\n"


def test_a_store_that_cannot_be_read_exits_with_4(scope: Scope, tmp_path: Path) -> None:
    (tmp_path / "broken" / "store").mkdir(parents=True)
    (tmp_path / "broken" / "store" / "main.db").write_bytes(b"no database at all" * 100)
    result = scope("--dir", str(tmp_path / "broken"), "ls")
    assert result.exit_code == 4
    assert result.stderr.startswith("scope: ")


def test_an_interrupt_exits_with_130(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Invocation) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Invocation, "open_store", interrupt)
    assert scope("ls").exit_code == 130


def test_a_reader_that_leaves_early_is_no_failure(traced: Traced) -> None:
    """``scope ls | head -1``: no traceback, no complaint."""
    command = f"{sys.executable} -P -m scope --dir {traced.directory} show slow --json | head -c 1"
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=clean_environment(), capture_output=True, check=False
    )
    assert ran.stdout == b"{"
    assert ran.stderr == b""
    assert ran.returncode == 0


def test_a_pipe_closed_from_the_start_is_no_failure(traced: Traced) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(traced.directory), "ls"]
    ran = subprocess.run(command, env=clean_environment(), stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_data_goes_to_stdout_without_colour_or_cuts(traced: Traced) -> None:
    ran = run_scope(traced.directory, "ls")
    assert ran.stderr == b""
    assert b"\x1b[" not in ran.stdout
    assert "…".encode() not in ran.stdout


def test_text_beyond_the_encoding_is_written_out(traced: Traced) -> None:
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(traced.directory), "show", "slow", "--waterfall"]
    environment = clean_environment() | {"PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ran.returncode == 0
    assert b"\\u2588" in ran.stdout


# --- on a terminal ---


def at_terminal(directory: Path, *arguments: str, columns: int = 80, **variables: str) -> bytes:
    """What a terminal of 80 columns gets to see."""
    environment = clean_environment() | {"TERM": "xterm-256color", "COLUMNS": str(columns), **variables}
    environment.pop("NO_COLOR", None) if "NO_COLOR" not in variables else None
    controller, terminal = pty.openpty()
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(directory), *arguments]
    with subprocess.Popen(command, env=environment, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        seen = bytearray()
        while chunk := read(controller):
            seen += chunk
        assert process.wait(10) == 0
    os.close(controller)
    return bytes(seen)


def read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:  # how Linux tells that the other side is closed
        return b""


def widths(seen: bytes) -> list[int]:
    import re

    text = re.sub(rb"\x1b\[[0-9;]*m", b"", seen).decode()
    return [len(line) for line in text.replace("\r", "").splitlines()]


@pytest.mark.parametrize("arguments", [("ls",), ("show", "slow"), ("show", "slow", "--waterfall"), ("inflight",)])
def test_a_terminal_gets_colours_and_no_line_that_is_too_wide(traced: Traced, arguments: tuple[str, ...]) -> None:
    seen = at_terminal(traced.directory, *arguments)
    assert b"\x1b[" in seen
    assert max(widths(seen)) <= 80


def test_no_color_is_respected(traced: Traced) -> None:
    import re

    seen = at_terminal(traced.directory, "ls", NO_COLOR="1")
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]", seen)


def test_a_hostile_path_cannot_drive_the_terminal(traced: Traced) -> None:
    seen = at_terminal(traced.directory, "ls", columns=200)
    assert b"\x1b]0;" not in seen
    assert rb"\x1b]0;owned" in seen


def test_json_is_never_coloured_or_cut(traced: Traced) -> None:
    seen = at_terminal(traced.directory, "ls", "--json")
    assert b"\x1b[" not in seen
    assert max(widths(seen)) > 80


def test_tail_draws_lines_on_a_terminal_until_interrupted(traced: Traced) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-P", "-m", "scope", "--dir", str(traced.directory), "tail"]
    with subprocess.Popen(
        command, env=clean_environment(), stdin=terminal, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        time.sleep(0.8)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        while read(controller):
            pass
    os.close(controller)
