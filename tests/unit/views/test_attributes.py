"""Attributes in few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.model import Cut, ObjectName, Redacted
from scope.views.attributes import brief_attributes, value_text

if TYPE_CHECKING:
    from scope.model import AttributeValue


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (17, "17"),
        (0.5, "0.5"),
        ("word", "word"),
        ("17", '"17"'),
        ("-1.5e9", '"-1.5e9"'),
        ("null", '"null"'),
        ("true", '"true"'),
        ("17b", "17b"),
        ("127.0.0.1", "127.0.0.1"),
        ("two words", '"two words"'),
        ("", '""'),
        ('say "hi"\\', '"say \\"hi\\"\\\\"'),
        ("a=b", '"a=b"'),
        (b"\x00\xff", "00 ff (2 B)"),
        (bytes(20), "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00… (20 B)"),
        (Cut("begin", 4000), "begin… (4000 characters)"),
        (Redacted(), "‹redacted›"),
        (ObjectName("io.BytesIO"), "<io.BytesIO>"),
        ((1, "a b", (None,)), '[1, "a b", [null]]'),
        ({"a": 1, "b c": {}}, '{a: 1, "b c": {}}'),
    ],
)
def test_a_value_in_words(value: AttributeValue, expected: str) -> None:
    assert value_text(value) == expected


def test_attributes_stand_side_by_side() -> None:
    assert brief_attributes({"rows": 1, "user name": "ann lee"}) == 'rows=1 "user name"="ann lee"'
    assert brief_attributes({}) == ""


def test_long_values_are_cut_on_request() -> None:
    assert brief_attributes({"a": "x" * 40}, value_length=8) == "a=xxxxxxx…"
    assert brief_attributes({"a": "x" * 40}) == "a=" + "x" * 40
