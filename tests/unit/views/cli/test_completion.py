"""Shell completion."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from scope.views.cli import COMMANDS, cli
from tests.unit.views.cli.conftest import clean_environment


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert "_SCOPE_COMPLETE" in result.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=result.stdout, text=True, check=True)


def test_the_shell_in_use_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "commandline" in CliRunner().invoke(cli, ["completion"]).stdout
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert CliRunner().invoke(cli, ["completion"]).exit_code == 2


def completed(words: str) -> list[str]:
    """What the completion of ``words`` offers, asked for as a shell does."""
    environment = clean_environment() | {
        "_SCOPE_COMPLETE": "zsh_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    command = [sys.executable, "-P", "-c", "from scope.views.cli import main; main()"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = ran.stdout.splitlines()
    assert ran.stderr == ""
    return lines[1::3]


def test_commands_are_completed() -> None:
    assert set(completed("scope ")) == set(COMMANDS)
    assert completed("scope in") == ["inflight"]


def test_ids_and_shells_are_completed() -> None:
    assert completed("scope show @l") == ["@last", "@last-error"]
    assert completed("scope completion z") == ["zsh"]


def test_fields_are_completed_after_what_stands_before() -> None:
    assert completed("scope ls -f dur") == [r"duration_ns\:"], "zsh wants colons escaped"
    assert completed("scope ls --json id,rou") == ["id,route"]


def test_a_filter_is_completed_after_other_conditions() -> None:
    from scope.views.cli.ls import command

    option = next(param for param in command.params if param.name == "filter_text")
    offered = option.shell_complete(cli.make_context("scope", ["completion", "bash"]), "status:5xx ro")
    assert [item.value for item in offered] == ["status:5xx route:"]
