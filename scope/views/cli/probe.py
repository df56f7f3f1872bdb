"""``scope probe``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..collector_status import is_running
from ..format import format_duration
from .invocation import Invocation, pass_invocation
from .options import duration_value

if TYPE_CHECKING:
    from ...config.probe_wishes import ProbeWish

_EXAMPLES = """\b
scope probe 'shop.pricing.*' --for 60s
scope probe --stop
"""


@click.command(epilog=_EXAMPLES)
@click.argument("rules", metavar="[RULE]...", nargs=-1)
@click.option(
    "--for", "duration_ns", metavar="TIME", default="60s", show_default=True, callback=duration_value, help="How long."
)
@click.option("--stop", is_flag=True, help="Record no longer what was asked for before.")
@pass_invocation
def command(invocation: Invocation, *, rules: tuple[str, ...], duration_ns: int, stop: bool) -> int:
    """Record functions of running processes for a while, without a restart.

    Processes that `scope run` started take it up with the next request, within a second. RULE is PATTERN or
    PATTERN=LEVEL. Without any, what is asked for now is listed.
    """
    from ...config import prepare_dirs
    from ...config.probe_wishes import ProbeWish, in_force, read_probe_wishes, write_probe_wishes
    from ...instrument.plan import Rule

    config, now_ns = invocation.config, invocation.now_ns()
    before = () if stop else in_force(read_probe_wishes(config.probe_wishes_path), now_ns)
    asked = tuple(ProbeWish(str(Rule.parse(rule)), now_ns + duration_ns) for rule in rules)
    wishes = (*before, *asked)
    if asked or stop:
        prepare_dirs(config)
        write_probe_wishes(config.probe_wishes_path, wishes)
        if not is_running(config):
            click.echo("scope: no collector is running; processes are told when one is", err=True)
    for wish in wishes:
        click.echo(_line(wish, now_ns))
    return 0


def _line(wish: ProbeWish, now_ns: int) -> str:
    return f"{wish.rule} for {format_duration(wish.until_ns - now_ns)}"
