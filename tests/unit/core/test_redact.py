"""Redaction of text that is shown to others; what it hides is tested where it is written in C."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scope import _core


def test_secrets_are_hidden_and_all_else_stays() -> None:
    assert (
        _core.redact("a = 1\npassword = 'hunter2-and-more'\nb = 'ü'\n") == "a = 1\npassword = '[redacted]'\nb = 'ü'\n"
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_taken_and_never_grows(text: str) -> None:
    before = text.encode()
    assert len(_core.redact(text).encode()) <= len(before)
    assert text.encode() == before


def test_a_surrogate_and_what_is_no_text_are_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        _core.redact("\ud800")
    with pytest.raises(TypeError, match="expected str, not bytes"):
        _core.redact(cast("str", b"x"))
