"""``scope mcp``."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import ScopeError
from .invocation import Invocation, pass_invocation


@click.command()
@click.option(
    "--root",
    metavar="PATH",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="Code that may be analysed: this directory and what is below it.",
)
@pass_invocation
def command(invocation: Invocation, *, root: Path) -> None:
    """Serve the stored requests to coding agents, over standard input and output.

    It speaks the Model Context Protocol, looks and never changes anything, and ends with its input.
    """
    try:
        from ..mcp.server import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types", "pydantic"}:
            raise
        raise ScopeError("scope mcp needs the MCP SDK: pip install 'asgi-scope[mcp]'") from None
    make_server(invocation.config, root).run()
