"""The reference and the table of keys say the same."""

from __future__ import annotations

from pathlib import Path

from scope.config import KEYS, Key
from scope.config.key import Derived
from scope.config.sources import INTERNAL_VARIABLES

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "configuration.md"


def row(key: Key) -> str:
    default = key.default_text if isinstance(key.default, Derived) else f"`{key.default_text}`"
    cells = (f"`{key.name}`", f"`{key.variable}`", key.kind.allowed, default, "yes" if key.runtime else "no", key.help)
    return "| " + " | ".join(cell.replace("``", "none") for cell in cells) + " |"


def test_the_reference_lists_every_key_as_the_table_declares_it() -> None:
    rows = [line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows == [row(key) for key in KEYS.values()]


def test_the_reference_names_every_internal_variable() -> None:
    assert [name for name in INTERNAL_VARIABLES if f"`{name}`" not in REFERENCE.read_text(encoding="utf-8")] == []


def test_every_key_has_a_variable_of_its_own() -> None:
    assert len({key.variable for key in KEYS.values()}) == len(KEYS)


def test_every_meaning_is_one_line_of_prose() -> None:
    assert [
        key.name for key in KEYS.values() if not key.help.endswith(".") or "\n" in key.help or "|" in key.help
    ] == []
