"""``scope run``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .hints import scope_command
from .invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...config import Config

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
_START_S, _DRAIN_S = 5.0, 60.0
_EXAMPLES = """\b
scope run uvicorn app:app --workers 2
scope run --probe 'sqlalchemy.orm.*' --no-probe shop.pricing:Money uvicorn app:app
scope run -- python -m myserver
"""


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, epilog=_EXAMPLES)
@click.option("--probe", "probed", metavar="RULE", multiple=True, help="Record these functions, too: PATTERN[=LEVEL].")
@click.option("--no-probe", "spared", metavar="PATTERN", multiple=True, help="Record none of these functions.")
@click.option(
    "--plan", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="A file of rules, one a line."
)
@click.argument("words", metavar="CMD...", nargs=-1, required=True, type=click.UNPROCESSED)
@pass_invocation
def command(
    invocation: Invocation,
    *,
    words: tuple[str, ...],
    probed: tuple[str, ...],
    spared: tuple[str, ...],
    plan: str | None,
) -> int:
    """Run a server traced, without a change to its code.

    A collector is started if none runs, and stopped once the server has ended and all is stored. Signals go through to
    the server, and its exit code comes back. Rules of --plan count more than those of the settings, --probe more than
    --plan, --no-probe most.
    """
    from ...config import prepare_dirs
    from ...instrument.launch import environment
    from ..child import run_child

    config = _planned(invocation.config, plan, [*probed, *(f"{pattern}=off" for pattern in spared)])
    program = _found(words[0])
    prepare_dirs(config)
    with _collector(config):
        environ = {**environment(os.environ, config), "SCOPE_COLLECTOR_AUTOSTART": "false"}
        code = run_child((program, *words[1:]), environ)
    click.echo(_where_to_look(config), err=True)
    return code


def _planned(config: Config, plan: str | None, rules: list[str]) -> Config:
    """``config`` with more rules, checked. Raises RuleError."""
    from ...instrument.plan import Rule, read_rules

    added = [*(read_rules(plan) if plan is not None else ()), *map(Rule.parse, rules)]
    every = (*config.probes.rules, *map(str, added))
    return replace(config, probes=replace(config.probes, rules=every))


def _found(name: str) -> str:
    """The program on the PATH, else beside our own interpreter, where a virtual environment has it."""
    path = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if path is not None:
        return path
    exists = os.sep in name and Path(name).exists()
    click.echo(f"scope: {name}: {'cannot be executed' if exists else 'command not found'}", err=True)
    raise click.exceptions.Exit(_NOT_EXECUTABLE if exists else _NOT_FOUND)


@contextmanager
def _collector(config: Config) -> Generator[None]:
    """A collector during the block: the one that runs, or one of our own that has stored everything at the end."""
    from ..collector_status import is_running

    if is_running(config):
        yield
        return
    with _own_collector(config) as process:
        _wait_for_lock(config, process)
        yield


@contextmanager
def _own_collector(config: Config) -> Generator[subprocess.Popen[bytes]]:
    """Should we be killed, it ends by itself."""
    process = _start(config, "scope.collector", f"--starter={os.getpid()}")
    try:
        yield process
    finally:
        process.terminate()
        # It may have died, or met the signal before it could heed it; what is there is stored all the same.
        if _ended(process) != 0 and _start(config, "scope", "collect", "--once").wait() != 0:
            click.echo(f"scope: the collector failed; {config.log_path} says why", err=True)


def _start(config: Config, *words: str) -> subprocess.Popen[bytes]:
    """A module of ours, in a session of its own, so that Ctrl-C does not reach it before the server has ended."""
    environ = {name: value for name, value in os.environ.items() if name != "SCOPE_RUN"} | config.environment()
    command = [sys.executable, "-m", *words]
    with Path(config.log_path).open("ab") as log:
        return subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code; 0 if it did not end in time and was left alone."""
    try:
        return process.wait(_DRAIN_S)
    except subprocess.TimeoutExpired:
        click.echo(f"scope: collector {process.pid} is still storing; it ends by itself", err=True)
        return 0


def _wait_for_lock(config: Config, process: subprocess.Popen[bytes]) -> None:
    from ..collector_status import is_running

    deadline = time.monotonic() + _START_S
    while not is_running(config) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def _where_to_look(config: Config) -> str:
    from ..collector_status import read_status

    status, scope = read_status(config), scope_command(config)
    if status is not None and not status.requests:
        return f"scope: no request was traced; {scope} doctor may tell why"
    return f"scope: look at the requests with {scope} ls, {scope} show @slowest"
