"""The page on commands lists what the command line takes, and with what it exits."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

import click
import pytest

from scope.views.cli import COMMANDS
from scope.views.cli.group import INTERRUPTED, NOTHING_MATCHED, UNAVAILABLE
from tests.unit.docs.pages import page, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = page("reference/commands.md")


def subcommands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words that call it."""
    for name in COMMANDS:
        command = import_module(f"scope.views.cli.{name}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())
        else:
            yield name, command


EACH = pytest.mark.parametrize(("name", "command"), [pytest.param(*each, id=each[0]) for each in subcommands()])


def row(option: click.Option) -> list[str]:
    """An option as the page has it: how it is written, its default, its own words of help."""
    *short, long = (f"`{name}`" for name in option.opts)
    written = ", ".join([*short, long.removesuffix("`") + value_of(option) + "`"])
    default = f"`{option.default}`" if option.show_default else ""
    return [written, default, option.help or ""]


def value_of(option: click.Option) -> str:
    """What follows the name: ``=FIELDS`` in brackets where it may be left out."""
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return " " + "\\|".join(option.type.choices)
    metavar = option.metavar or "N"
    return f"[={metavar[1:-1]}]" if metavar.startswith("[") else f" {metavar}"


@pytest.mark.parametrize(
    ("name", "command"), list(subcommands()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_option_is_listed_with_its_words(name: str, command: click.Command) -> None:
    options = [row(option) for option in command.params if isinstance(option, click.Option)]
    assert [cells for cells in rows(PAGE.section(f"## scope {name}")) if cells[0].startswith("`-")] == options


@pytest.mark.parametrize(
    ("name", "command"), list(subcommands()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_argument_is_named(name: str, command: click.Command) -> None:
    usage = PAGE.section(f"## scope {name}").strip().splitlines()[0]
    assert usage.startswith(f"`scope {name}")
    arguments = [each.metavar or "bash|zsh|fish" for each in command.params if isinstance(each, click.Argument)]
    assert [each for each in arguments if each not in usage] == []


def test_exit_codes_are_those_of_the_command_line() -> None:
    listed = [cells[0] for cells in rows(PAGE.section("## Exit codes"))]
    assert listed == [str(code) for code in (0, 1, 2, NOTHING_MATCHED, UNAVAILABLE, INTERRUPTED)]


def test_sections_are_in_the_order_of_the_help() -> None:
    headings = re.findall(r"^## scope (.+)$", PAGE.text, re.MULTILINE)
    assert headings == [name for name, _ in subcommands()]
