"""What no page may contain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.docs.pages import ROOT, Page, pages

PAGES = pytest.mark.parametrize("each", pages(), ids=lambda each: each.name)

# Homes, and what a shell or a test framework makes below /tmp.
MACHINES = re.compile(r"/home/\w+|/Users/\w+|/root\b|/tmp/(?:tmp[.\w]|pytest-)")


@PAGES
def test_no_page_names_a_path_of_somebodys_machine(each: Page) -> None:
    own = [str(path) for path in (ROOT, Path.home()) if len(path.parts) > 2]
    assert MACHINES.findall(each.text) + [path for path in own if path in each.text] == []


@PAGES
def test_a_page_has_one_title_and_it_comes_first(each: Page) -> None:
    titles = [line for line in each.prose().splitlines() if line.startswith("# ")]
    assert titles == each.text.splitlines()[:1]
