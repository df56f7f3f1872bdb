"""Text that is safe to draw, and as wide as it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scope.views.lines import Piece, cell_width, clip, line, line_width, plain


@given(st.text())
def test_a_piece_never_holds_what_a_terminal_acts_on(text: str) -> None:
    assert Piece(text).text.isprintable()


def test_escape_sequences_are_written_out() -> None:
    assert Piece("\x1b[31mred\n\u202eevil").text == r"\x1b[31mred\n\u202eevil"


def test_printable_text_stays_as_it_is() -> None:
    assert Piece("GET /größe ✗ 日本").text == "GET /größe ✗ 日本"


def test_a_line_takes_text_and_pieces_and_drops_empty_ones() -> None:
    assert line("a", Piece(""), Piece("b", "error"), "") == (Piece("a"), Piece("b", "error"))


def test_plain_text_has_no_trailing_blanks() -> None:
    assert plain((Piece("a "), Piece("  ", "dim"))) == "a"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("é", 1), ("e\u0301", 1), ("日本", 4), ("", 0), ("█✗", 2)])
def test_width_counts_columns(text: str, width: int) -> None:
    assert cell_width(text) == width
    assert line_width([Piece(text), Piece("x")]) == width + 1


def test_what_fits_is_not_clipped() -> None:
    assert clip("abc", 3) == "abc"


def test_what_is_clipped_ends_in_an_ellipsis() -> None:
    assert clip("abcd", 3) == "ab…"
    assert clip("abcd", 1) == "…"
    assert clip("abcd", 0) == ""


@given(st.text(alphabet="aé日e\u0301", max_size=8), st.integers(0, 10))
def test_clipped_text_is_never_too_wide(text: str, width: int) -> None:
    assert cell_width(clip(text, width)) <= width
