"""The reference says what the code does."""

from __future__ import annotations

from pathlib import Path

from scope.store import FIELDS, Field, parse
from scope.views.cli import COMMANDS

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def row(field: Field) -> str:
    name = field.name if field.name != "attr" else "attr.NAME"
    also = ", ".join(f"`{alias}`" for alias in field.aliases)
    return f"| `{name}` | {also} | {', '.join(field.choices) or field.kind.value} | {field.help} |"


def lines(page: str) -> list[str]:
    return (REFERENCE / page).read_text(encoding="utf-8").splitlines()


def test_every_field_is_listed_as_the_table_declares_it() -> None:
    assert [line for line in lines("filters.md") if line.startswith("| `")] == [row(field) for field in FIELDS]


def test_the_filter_that_the_reference_begins_with_is_one() -> None:
    (example,) = [line for line in lines("filters.md") if line.startswith("    scope ls -f ")]
    assert parse(example.split("'")[1]).needs_trace is False


def test_every_command_is_listed_with_its_words() -> None:
    rows = [line.split(" | ") for line in lines("commands.md") if line.startswith("| `scope ")]
    assert [(cells[0].split()[2].strip("`"), cells[1].removesuffix(" |")) for cells in rows] == list(COMMANDS.items())
