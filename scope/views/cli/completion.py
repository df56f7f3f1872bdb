"""``scope completion``."""

from __future__ import annotations

import os
from pathlib import PurePath

import click

_SHELLS = ("bash", "zsh", "fish")
_EXAMPLES = """\b
bash  eval "$(scope completion bash)"     in ~/.bashrc
zsh   eval "$(scope completion zsh)"      in ~/.zshrc
fish  scope completion fish | source      in ~/.config/fish/config.fish
"""


@click.command(epilog=_EXAMPLES)
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
@click.pass_context
def command(ctx: click.Context, *, shell: str | None) -> None:
    """Print a script that completes in your shell."""
    from click.shell_completion import get_completion_class

    name = shell or PurePath(os.environ.get("SHELL", "")).name
    complete = get_completion_class(name)
    if complete is None or name not in _SHELLS:
        raise click.UsageError(f"Which shell? One of {', '.join(_SHELLS)}.")
    click.echo(complete(ctx.find_root().command, {}, "scope", "_SCOPE_COMPLETE").source())
