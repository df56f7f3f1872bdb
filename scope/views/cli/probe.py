"""``scope probe``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from ..collector_status import is_running
from ..format import format_duration, safe_text
from .invocation import Invocation, pass_invocation
from .narrowing import Narrowed, narrowing_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...config import Config
    from ...config.probe_wishes import ProbeWish
    from ...instrument.plan import Rule
    from ..asked import Asked

NS_PER_S: Final = 10**9
_EXAMPLES = """\b
scope probe 'shop.pricing.*' --for 60s
scope probe 'shop.pricing.*' --level values --route 'GET /checkout/{id}' --next
scope probe --stop
"""


def _duration_ns(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """Without what the store knows of durations: people wait for this command, and its import is the half of it."""
    from ...config.units import TIME_UNITS_MS, parse_quantity

    try:
        return parse_quantity(value, TIME_UNITS_MS, base=1000) * NS_PER_S
    except ValueError:
        raise click.BadParameter(f"{value!r} is no time in whole seconds: write 90s, 5min or 1h", ctx, param) from None


@click.command(epilog=_EXAMPLES)
@click.argument("rules", metavar="[RULE]...", nargs=-1)
@narrowing_options
@click.option(
    "--for", "duration_ns", metavar="TIME", default="60s", show_default=True, callback=_duration_ns, help="How long."
)
@click.option("--stop", is_flag=True, help="Record no longer what was asked for before.")
@click.option("--json", "as_json", is_flag=True, help="What is asked for now, for programs.")
@pass_invocation
def command(
    invocation: Invocation, *, rules: tuple[str, ...], narrowed: Narrowed, duration_ns: int, stop: bool, as_json: bool
) -> int:
    """Record functions of running processes for a while, without a restart.

    Processes that `scope run` started take it up with the next request, within a second. RULE is PATTERN or
    PATTERN=LEVEL. Without any, what is asked for now is listed.
    """
    from ..asked import asked

    if narrowed.says_something and not rules:
        raise click.UsageError("--level, --route, --id and --next say more of a RULE: name the functions")
    config, now_ns = invocation.config, invocation.now_ns()
    wanted = narrowed.rules(rules)
    if wanted or stop:
        _ask(config, wanted, now_ns, now_ns + duration_ns, stop=stop)
    found = asked(config, now_ns)
    invocation.output.text(_json(found) if as_json else map(_line, found))
    return 0


def _ask(config: Config, rules: Sequence[Rule], now_ns: int, until_ns: int, *, stop: bool) -> None:
    from ...config import prepare_dirs
    from ...config.directory import prepare_dir
    from ...config.probe_wishes import (
        ProbeWish,
        changing_probe_wishes,
        in_force,
        read_probe_wishes,
        write_probe_wishes,
    )
    from ..tickets import prune_tickets

    prepare_dirs(config)
    prepare_dir(config.tickets_dir)
    with changing_probe_wishes(config.probe_wishes_path):
        before = () if stop else in_force(read_probe_wishes(config.probe_wishes_path), now_ns)
        wishes = (*before, *(ProbeWish(str(rule), until_ns) for rule in rules))
        write_probe_wishes(config.probe_wishes_path, wishes)
        prune_tickets(config.tickets_dir, _tickets(wishes))
    if not is_running(config):
        click.echo("scope: no collector is running; processes are told when one is", err=True)


def _tickets(wishes: Sequence[ProbeWish]) -> list[str]:
    from ...instrument.plan import Rule

    conditions = [Rule.parse(wish.rule).criteria.condition for wish in wishes]
    return [each.ticket for each in conditions if each is not None and each.ticket is not None]


def _json(found: Sequence[Asked]) -> list[str]:
    from ..jsonout import array_lines

    return list(array_lines(map(asdict, found)))


def _line(each: Asked) -> str:
    taken = f", taken by {safe_text(each.taken_by)}" if each.taken_by is not None else ""
    return f"{each.rule} for {format_duration(each.left_ns)}{taken}"
