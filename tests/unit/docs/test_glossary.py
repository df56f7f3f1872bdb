"""The glossary is one: in order, each term once."""

from __future__ import annotations

import re

from tests.unit.docs.pages import page

TERMS = re.findall(r"^\*\*(.+?)\*{2,3}:", page("glossary.md").text, re.MULTILINE)


def test_terms_are_in_the_order_of_the_alphabet_each_once() -> None:
    assert len(TERMS) > 30
    assert sorted(set(TERMS), key=str.lower) == TERMS


def test_every_state_and_the_parts_of_the_pipeline_are_explained() -> None:
    terms = {term.lower() for term in TERMS}
    assert {"open", "aborted", "complete", "event", "lane", "ring", "segment", "collector", "store", "slice"} <= terms
