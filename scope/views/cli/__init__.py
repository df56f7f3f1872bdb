"""The command line: one module a command, each of which only draws what the rest of the package finds out."""

from __future__ import annotations

import sys
from typing import Any

import click

from .group import LazyGroup
from .invocation import Invocation

__all__ = ["cli", "main"]

COMMANDS = {
    "run": "Run a server traced, without a change to its code.",
    "probe": "Record functions of running processes for a while.",
    "collect": "Drain traced processes into the store, in the foreground.",
    "ls": "List requests, newest first.",
    "show": "Show one request whole.",
    "diff": "Compare two requests, call by call.",
    "tail": "Follow requests as they end.",
    "inflight": "Show what is running now, oldest first.",
    "routes": "Sum up by route.",
    "errors": "Sum up by exception.",
    "loop": "Rank what held event loops.",
    "plan": "Analyse a code base: routes, what hurts, what to probe.",
    "mcp": "Serve the stored requests to coding agents.",
    "workers": "List traced processes: since when, and how each ended.",
    "doctor": "Check the machine, the collector and the store.",
    "set": "Change a setting in running processes.",
    "db": "Look after the store.",
    "demo": "Run the example shop traced, and look at it.",
    "completion": "Print a script that completes in your shell.",
}


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - Click's convention
    if not wanted:
        return
    from importlib.metadata import version

    click.echo(f"scope {version('asgi-scope')}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="An ID may be any unique beginning of an id, or @last, @slowest or @last-error.",
)
@click.option("--dir", "directory", metavar="PATH", help="The session directory, instead of SCOPE_DIR or .scope.")
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version."
)
@click.pass_context
def cli(ctx: click.Context, directory: str | None) -> None:
    """Trace every request of an ASGI application, and look at what happened in it."""
    ctx.obj = Invocation(directory)


def main() -> None:
    """The console script."""
    output: Any = sys.stdout
    if hasattr(output, "reconfigure"):
        # What the terminal's encoding has no character for is written out.
        output.reconfigure(errors="backslashreplace")
    cli(prog_name="scope")
