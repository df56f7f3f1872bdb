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
    import logging

    from ...collector import run
    from ..collector_status import read_status

    logging.basicConfig(level=logging.WARNING if once else logging.INFO, format="scope: %(message)s")
    code = run(invocation.config, once=once)
    status = read_status(invocation.config)
    click.echo(f"scope: {status.requests if status else 0} requests stored", err=True)
    return code
