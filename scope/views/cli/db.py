"""``scope db``."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..format import format_bytes, format_duration, format_time
from ..jsonout import dumps
from ..lines import Piece, line
from ..table import Column, table_lines
from .invocation import Invocation, pass_invocation
from .options import duration_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...config import Config
    from ...store import StoreInfo
    from ..lines import Line

_COLUMNS = (Column("from"), Column("span", right=True), Column("requests", right=True), Column("size", right=True))
_SECOND_NS = 1_000_000_000


@click.group()
def command() -> None:
    """Look after the store."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="The same for programs.")
@pass_invocation
def info(invocation: Invocation, *, as_json: bool) -> None:
    """Show what is kept, and how much of the disk it takes."""
    with invocation.open_store() as store:
        found = store.info()
    if as_json:
        invocation.output.text([dumps(asdict(found), indent=2)])
    else:
        invocation.output.lines(_lines(found, invocation.config, invocation.output.width))


def _lines(found: StoreInfo, config: Config, width: int | None) -> Iterator[Line]:
    store = config.store
    total = f"{format_bytes(found.bytes)} of {format_bytes(store.retention_bytes)}"
    age = format_duration(store.retention_age_s * _SECOND_NS)
    yield line(Piece(found.directory, "strong"), f"  {total}, kept for {age}, schema {found.schema_version}")
    yield line(f"{found.requests} requests, {found.open_requests} open, of {len(found.segments)} processes")
    if not found.slices:
        return
    yield ()
    rows = [
        (
            Piece(format_time(each.start_ns), "dim"),
            Piece(format_duration(each.end_ns - each.start_ns), "dim"),
            Piece(str(each.requests)),
            Piece(format_bytes(each.bytes), "number"),
        )
        for each in found.slices
    ]
    yield from table_lines(_COLUMNS, rows, width)


def _age_value(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    return None if value is None else duration_value(ctx, param, value) // _SECOND_NS


@command.command()
@click.option(
    "--older-than", "age_s", metavar="AGE", callback=_age_value, help="Instead of the age that the settings keep."
)
@pass_invocation
def gc(invocation: Invocation, *, age_s: int | None) -> None:
    """Remove what is too old or too much, by whole slices of time; the newest one always stays.

    A collector does the same all the time.
    """
    from ...store import Writer

    config = invocation.config
    with invocation.open_store() as store:
        before = store.info()
    settings = config.store
    if age_s is not None:
        settings = replace(settings, retention_age_s=age_s)
    with Writer(Path(config.store_dir), settings) as writer:
        while writer.retain(invocation.now_ns()):
            pass
    with invocation.open_store() as store:
        after = store.info()
    slices, freed = len(before.slices) - len(after.slices), before.bytes - after.bytes
    click.echo(
        f"{slices} slices removed, {format_bytes(max(freed, 0))} freed, {format_bytes(after.bytes)} kept", err=True
    )
