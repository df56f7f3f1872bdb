"""Columns of text."""

from __future__ import annotations

from scope.views.lines import Piece, cell_width, plain
from scope.views.table import Column, table_lines

COLUMNS = (Column("n", right=True), Column("route", flexible=True), Column("id"))


def table(*rows: tuple[str, str, str], width: int | None = None) -> list[str]:
    return [plain(line) for line in table_lines(COLUMNS, [tuple(map(Piece, row)) for row in rows], width)]


def test_numbers_are_aligned_right_and_words_left() -> None:
    assert table(("1", "/a", "x"), ("100", "/bcd", "yy")) == [
        "  n  route  id",
        "  1  /a     x",
        "100  /bcd   yy",
    ]


def test_without_a_width_nothing_is_cut() -> None:
    assert table(("1", "/" + "long" * 50, "x"))[1].endswith("x")


def test_the_flexible_column_gives_way() -> None:
    lines = table(("1", "/products/{product_id}/price", "0123456789"), width=32)
    assert lines[1] == "1  /products/{produ…  0123456789"
    assert all(cell_width(line) <= 32 for line in lines)


def test_the_flexible_column_keeps_a_least_width() -> None:
    assert table(("1", "/products/{product_id}", "0123456789"), width=10)[1] == "1  /products/{…  0123456789"


def test_a_table_that_fits_is_not_stretched() -> None:
    assert table(("1", "/a", "x"), width=80)[1] == "1  /a     x"


def test_wide_characters_keep_columns_aligned() -> None:
    assert table(("1", "/日本", "x"), ("2", "/abcd", "y"))[1:] == ["1  /日本  x", "2  /abcd  y"]
