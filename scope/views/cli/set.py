"""``scope set``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from .group import UNAVAILABLE
from .invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from collections import Counter

    from ...config import Config
    from ...config.wishes import Wishes

KEY: Final = "segment.overflow"
DEFAULT: Final = "default"
PATIENCE_S: Final = 3.0
"""Several times what a collector takes to see a wish."""


def _wish(ctx: click.Context, param: click.Parameter, value: str | None) -> Wishes | None:
    from ...config import KEYS
    from ...config.wishes import WISHABLE, Wishes

    if value is None:
        return None
    name, separator, wanted = value.partition("=")
    if not separator or name not in WISHABLE:
        raise click.BadParameter(f"{value!r} is not one of {', '.join(WISHABLE)} with = and a value", ctx, param)
    if wanted == DEFAULT:
        return Wishes()
    try:
        return Wishes(KEYS[name].kind.parse(wanted))
    except ValueError:
        allowed = f"{KEYS[name].kind.allowed}, or {DEFAULT}"
        raise click.BadParameter(f"{name} must be {allowed}, not {wanted!r}", ctx, param) from None


@click.command()
@click.argument("wish", metavar="[KEY=VALUE]", required=False, callback=_wish)
@pass_invocation
def command(invocation: Invocation, *, wish: Wishes | None) -> int:
    """Change a setting in running processes, and in those that come later.

    The collector carries it out. The only KEY is segment.overflow, its VALUE a policy, or default for the one that each
    process was started with. Without KEY=VALUE: what is wished for, and what is in force.
    """
    from ...config import prepare_dirs
    from ...config.wishes import write_wishes
    from ..collector_status import is_running

    config = invocation.config
    if wish is None:
        return _show(config)
    prepare_dirs(config)
    write_wishes(config.wishes_path, wish)
    if not is_running(config):
        click.echo(f"scope: noted; no collector runs for {config.dir}, the next one carries it out", err=True)
        return UNAVAILABLE
    behind = _wait_for(config, wish)
    click.echo(f"{KEY} = {wish.overflow or DEFAULT}: {_in_force(config)}")
    if behind:
        click.echo(f"scope: {behind} processes were not reached within {PATIENCE_S:.0f} s", err=True)
    return 1 if behind else 0


def _show(config: Config) -> int:
    from ...config.wishes import read_wishes

    try:
        wished = read_wishes(config.wishes_path).overflow
    except ValueError as error:
        click.echo(f"scope: {error}; set it anew", err=True)
        return 1
    click.echo(f"{KEY} = {wished or DEFAULT}: {_in_force(config)}")
    return 0


def _in_force(config: Config) -> str:
    """How many processes do what when a lane is full: "block in 3 processes"."""
    found = _policies(config)
    told = [f"{policy} in {count} {'process' if count == 1 else 'processes'}" for policy, count in found.items()]
    return ", ".join(told) or "no process is being traced"


def _policies(config: Config) -> Counter[str]:
    from collections import Counter

    from ..health.segments import living
    from ..steered import policy_of

    return Counter(policy for path in living(config.segment.dir) if (policy := policy_of(path)))


def _wait_for(config: Config, wish: Wishes) -> int:
    """How many processes have not been reached when patience ends."""
    from ..health.segments import living
    from ..steered import is_told

    deadline = time.monotonic() + PATIENCE_S
    while behind := sum(not is_told(path, wish.overflow) for path in living(config.segment.dir)):
        if time.monotonic() > deadline:
            return behind
        time.sleep(0.02)
    return 0
