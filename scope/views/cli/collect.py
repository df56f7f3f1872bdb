"""``scope collect``."""

from __future__ import annotations

import click

from .invocation import Invocation, pass_invocation


@click.command()
@click.option("--once", is_flag=True, help="Drain what is there, store it and exit; after a crash, for one.")
@pass_invocation
def command(invocation: Invocation, *, once: bool) -> int:
    """Drain traced processes into the store, in the foreground.

    There is one collector for a directory. SIGTERM and Ctrl-C let it drain and exit.
    """
    from ...collector import run

    return run(invocation.config, once=once)
