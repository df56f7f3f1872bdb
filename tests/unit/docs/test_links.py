"""Whoever follows a link gets somewhere."""

from __future__ import annotations

import re

import pytest

from tests.unit.docs.pages import DOCS, ROOT, Page, page, pages

PAGES = pytest.mark.parametrize("each", pages(), ids=lambda each: each.name)


def broken(each: Page, link: str) -> str:
    """What is wrong with ``link``, empty if nothing is."""
    if re.match(r"https?://", link):
        return ""
    path, _, fragment = link.partition("#")
    target = (each.path.parent / path).resolve() if path else each.path
    if not target.exists() or not target.is_relative_to(ROOT):
        return f"{link}: there is no such file"
    if fragment and fragment not in Page(target).anchors():
        return f"{link}: no such heading"
    return ""


@PAGES
def test_links_resolve(each: Page) -> None:
    assert [problem for link in each.links() if (problem := broken(each, link))] == []


def test_a_broken_link_is_seen() -> None:
    index = page("README.md")
    assert broken(index, "nothing.md")
    assert broken(index, "glossary.md#no-such-term")
    assert broken(index, "../../elsewhere.md")
    assert not broken(index, "reference/filters.md#grammar")


def test_the_index_leads_to_every_page() -> None:
    index = page("README.md")
    linked = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links()}
    assert [path for path in DOCS.rglob("*.md") if path not in linked | {index.path}] == []


def test_files_named_in_code_exist() -> None:
    """A path of this repository in backquotes, like `scope/core/record.h`, is one."""
    tops = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "build")))
    named = re.compile(rf"(?:{tops})/[\w./-]*[\w/]")
    missing = [
        f"{each.name}: {code}"
        for each in pages()
        for code in each.inline()
        if named.fullmatch(code) and not (ROOT / code).exists()
    ]
    assert missing == []
