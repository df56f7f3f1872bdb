"""``scope doctor``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from ..jsonout import dumps
from ..lines import Line, Piece, line
from .invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..health import Check, Status
    from ..lines import Role

_SIGNS: Final[Mapping[Status, tuple[str, Role]]] = {
    "ok": ("✓", "good"),
    "warning": ("!", "warning"),
    "failure": ("✗", "error"),
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The findings for programs.")
@pass_invocation
def command(invocation: Invocation, *, as_json: bool) -> int:
    """Check the machine, the collector and the store; exits with 1 when something is wrong."""
    from ..health import diagnose

    checks = diagnose(invocation.config, invocation.now_ns())
    healthy = all(check.status != "failure" for check in checks)
    if as_json:
        invocation.output.text([dumps({"healthy": healthy, "checks": list(map(asdict, checks))}, indent=2)])
    else:
        invocation.output.lines(_lines(checks))
    return 0 if healthy else 1


def _lines(checks: Sequence[Check]) -> Iterator[Line]:
    width = max(len(check.name) for check in checks)
    for check in checks:
        sign, role = _SIGNS[check.status]
        yield line(Piece(sign, role), f" {check.name:<{width}}  ", Piece(check.summary, "text"))
        for detail in check.details:
            yield line(" " * (width + 4), Piece(detail, "dim" if check.status == "ok" else role))
