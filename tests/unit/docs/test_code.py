"""What the pages say to type or to write is understood by what it is meant for."""

from __future__ import annotations

import ast
import re
import tomllib

import click
import pytest

import scope
from scope.config import KEYS
from scope.config.sources import INTERNAL_VARIABLES
from scope.store import FilterError, parse
from scope.views.cli import COMMANDS, cli
from tests.unit.docs.pages import ROOT, SHELLS, Page, commands, pages

PAGES = pytest.mark.parametrize("each", pages(), ids=lambda each: each.name)

# Modules of the package that pages speak of.
MODULES = {"config", "errors", "integrations", "model", "store", "testing"}


def understood(words: list[str]) -> None:
    """Raises click.ClickException or FilterError for what the command line would refuse."""
    command: click.Command = cli
    parent: click.Context | None = None
    while isinstance(command, click.Group):
        context = click.Context(command, parent=parent)
        _, words, _ = command.make_parser(context).parse_args(words)
        if not words:  # scope --help
            return
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command, parent = found, context
    try:
        values = command.make_context(command.name, words, parent=parent).params
    except click.exceptions.Exit:  # scope ls --help
        return
    if values.get("filter_text"):
        parse(values["filter_text"])


def called(each: Page) -> list[list[str]]:
    """Every call of the command line in a page: in blocks, and in the prose where nothing stands for something else."""
    shell = [words for block in each.blocks(*SHELLS) for words in commands(block.text)]
    prose = [code for code in each.inline() if code.startswith("scope ") and not re.search(r"[\[\]…|]|\.\.\.", code)]
    # A command that is only mentioned lacks its arguments.
    mentioned = [[*words, "--help"] if len(words) == 1 else words for code in prose for words in commands(code)]
    return [*shell, *mentioned]


@PAGES
def test_commands_are_understood(each: Page) -> None:
    problems: list[str] = []
    for words in called(each):
        try:
            understood(words)
        except (click.ClickException, FilterError) as error:
            problems.append(f"scope {' '.join(words)}: {error}")
    assert problems == []


@pytest.mark.parametrize(
    "words",
    [["lss"], ["ls", "--since", "soon"], ["ls", "-f", "stauts:500"], ["show"], ["ls", "--json=durations"], ["--dirs"]],
)
def test_a_command_that_is_wrong_is_seen(words: list[str]) -> None:
    with pytest.raises((click.ClickException, FilterError)):
        understood(words)


def test_every_command_is_shown_somewhere() -> None:
    shown = {
        next((word for word in words if not word.startswith("-")), "") for each in pages() for words in called(each)
    }
    assert [name for name in COMMANDS if name not in shown] == []


@PAGES
def test_python_compiles(each: Page) -> None:
    for block in each.blocks("python"):
        compile(block.text, f"{each.name}:{block.number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@PAGES
def test_python_uses_names_that_there_are(each: Page) -> None:
    trees = [ast.parse(block.text) for block in each.blocks("python")]
    used = [
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "scope"
    ]
    assert [name for name in used if name not in {*scope.__all__, *MODULES}] == []


@PAGES
def test_toml_is_toml_and_sets_keys_that_there_are(each: Page) -> None:
    for block in each.blocks("toml"):
        tables = tomllib.loads(block.text).get("tool", {}).get("scope", {})
        keys = {
            f"{name}.{inner}" if isinstance(value, dict) else name
            for name, value in tables.items()
            for inner in (value if isinstance(value, dict) else [""])
        }
        assert keys - KEYS.keys() == set()


@PAGES
def test_variables_are_those_that_are_read(each: Page) -> None:
    known = {key.variable for key in KEYS.values()} | set(INTERNAL_VARIABLES)
    set_to = re.findall(r"(?<![\w$])(SCOPE_[A-Z_]+)=", each.text)
    assert [name for name in set_to if name not in known] == []


@PAGES
def test_targets_of_make_are_in_the_makefile(each: Page) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    shell = [block.text for block in each.blocks(*SHELLS)]
    called = [words for text in (*shell, *each.inline()) for words in commands(text, "make")]
    named = [word for words in called for word in words if not word.startswith("-") and "=" not in word]
    assert [name for name in named if name not in targets] == []
