"""Options that several commands have, and how their values are read and completed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    from ...store import Filter

__all__ = [
    "complete_reference",
    "duration_value",
    "fail_empty_option",
    "filter_option",
    "json_option",
    "limit_option",
    "optional_duration_value",
    "parsed_filter",
    "since_option",
]

C = TypeVar("C", bound="Callable[..., Any]")


def filter_option(command: C) -> C:
    """``-f FILTER``; left to the command to parse with :func:`parsed_filter`, whose errors show the place."""
    return click.option(
        "-f",
        "--filter",
        "filter_text",
        metavar="FILTER",
        shell_complete=_complete_filter,
        help="Only requests that meet it.",
    )(command)


def since_option(command: C) -> C:
    """``--since 15m``; Unix nanoseconds."""
    return click.option(
        "--since", "since_ns", metavar="WHEN", callback=_moment_value, help="Only since then: 15m, 2h, or a date."
    )(command)


def json_option(command: C) -> C:
    """``--json`` or ``--json=FIELDS``; the names of the fields, None where it is not given."""
    return click.option(
        "--json",
        "fields",
        is_flag=False,
        flag_value="",
        metavar="[FIELDS]",
        callback=_fields_value,
        shell_complete=_complete_fields,
        help="JSON, of all fields or of those named, with commas between.",
    )(command)


def fail_empty_option(command: C) -> C:
    return click.option("--fail-empty", is_flag=True, help="Exit with 3 when nothing matched.")(command)


def limit_option(default: int) -> Callable[[C], C]:
    return click.option(
        "-n", "--limit", type=click.IntRange(min=1), default=default, show_default=True, help="At most so many."
    )


def complete_reference(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """For arguments that are an ID."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in ("@last", "@slowest", "@last-error") if name.startswith(incomplete)]


def parsed_filter(text: str | None) -> Filter | None:
    """The filter that the option gives; raises FilterError."""
    from ...store import parse

    return None if text is None else parse(text)


def duration_value(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """Nanoseconds of ``200ms``; a callback for options."""
    from ...store import duration

    try:
        return duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def optional_duration_value(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """The same; None where the option is not given."""
    return None if value is None else duration_value(ctx, param, value)


def _moment_value(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    from ...store import moment

    try:
        return None if value is None else moment(value, time.time_ns())
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def _fields_value(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    from ...store import JSON_FIELDS

    names = [name.strip() for name in value.split(",") if name.strip()]
    return tuple(_field(name, ctx, param) for name in names) or JSON_FIELDS


def _field(name: str, ctx: click.Context, param: click.Parameter) -> str:
    from ...store import JSON_FIELDS, lookup

    field = lookup(name)
    if field is not None and field.stored:
        return field.name
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), JSON_FIELDS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"fields are {', '.join(JSON_FIELDS)}"
    raise click.BadParameter(f"unknown field {name!r}: {hint}", ctx, param)


def _complete_filter(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The fields, after whatever conditions stand before."""
    from click.shell_completion import CompletionItem

    from ...store import FIELDS

    before, blank, name = incomplete.rpartition(" ")
    found = (field for field in FIELDS if field.name.startswith(name))
    return [CompletionItem(f"{before}{blank}{field.name}:", help=field.help) for field in found]


def _complete_fields(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from ...store import JSON_FIELDS

    before, comma, name = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{field}") for field in JSON_FIELDS if field.startswith(name)]
