"""The page on integrations lists those that there are, and tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

from scope.integrations import INTEGRATIONS
from tests.unit.docs.pages import code_of, page, rows

PAGE = page("reference/integrations.md")
TESTS = Path(__file__).parents[1]


def table() -> list[list[str]]:
    return rows(PAGE.text.partition("\n## ")[0])


def test_every_integration_is_listed_with_its_libraries_and_versions() -> None:
    listed = [
        (code_of(name), re.findall(r"`([\w.]+)`", libraries), versions) for name, libraries, versions, _ in table()
    ]
    assert listed == [
        (
            each.name,
            [library.module for library in each.libraries],
            ", ".join(".".join(map(str, library.minimum)) or "any" for library in each.libraries),
        )
        for each in INTEGRATIONS.values()
    ]


def test_every_integration_has_a_section() -> None:
    headings = re.findall(r"^## (.+)$", PAGE.text, re.MULTILINE)
    assert headings[: len(INTEGRATIONS)] == list(INTEGRATIONS)


def test_the_tests_that_keep_failures_away_exist() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py") if path != Path(__file__))
    named = [code_of(test) for *_, test in rows(PAGE.section("## What must not happen"))]
    assert len(named) > 10
    assert [name for name in named if f"def {name}(" not in source] == []
