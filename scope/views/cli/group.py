"""The command ``scope``: subcommands found by name and imported when used, and every failure turned into an exit code.

0 done, 1 failure, 2 not understood, 3 nothing matched and ``--fail-empty``, 4 store or collector unavailable,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ...errors import ScopeError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["INTERRUPTED", "NOTHING_MATCHED", "UNAVAILABLE", "LazyGroup"]

NOTHING_MATCHED, UNAVAILABLE, INTERRUPTED = 3, 4, 130


class LazyGroup(click.Group):
    """A group whose commands are modules beside this one, each with its command in ``command``.

    ``table`` gives every name its one line of help, so that listing them imports none. A command returns None or an
    exit code.
    """

    def __init__(self, *args: Any, table: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as Click calls it
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as Click calls it
        if cmd_name not in self._table:
            return None
        command = import_module(f".{cmd_name}", __package__).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as Click calls it
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))

    def invoke(self, ctx: click.Context) -> None:
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except ScopeError as error:
            _fail(ctx, error)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _forget_stdout()
            ctx.exit(0)
        ctx.exit(code or 0)


def _fail(ctx: click.Context, error: ScopeError) -> NoReturn:
    from ..failure import failure_text
    from .failure import exit_code

    click.echo(f"scope: {failure_text(error)}", err=True)
    ctx.exit(exit_code(error))


def _forget_stdout() -> None:
    """Who read our output has seen enough; the interpreter shall not complain that it cannot write the rest."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
