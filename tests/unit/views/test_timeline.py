"""Time in character cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scope.views.timeline import Scale, Strip

SCALE = Scale(1000, 100, 10)  # ten nanoseconds a cell


def drawn(strip: Strip) -> str:
    return "".join(piece.text for piece in strip.pieces())


def bar(start_ns: int, end_ns: int) -> str:
    strip = Strip(SCALE)
    strip.bar(1000 + start_ns, 1000 + end_ns, "bar")
    return drawn(strip)


@pytest.mark.parametrize(
    ("start_ns", "end_ns", "expected"),
    [
        (0, 100, "██████████"),
        (0, 25, "██▌       "),
        (5, 30, "▐██       "),
        (12, 30, " ██       "),
        (0, 0, "▏         "),
        (100, 100, "         ▐"),
        (55, 56, "     ▐    "),
        (50, 53, "     ▎    "),
        (-50, 500, "██████████"),
    ],
)
def test_bars_begin_on_half_cells_and_end_on_eighths(start_ns: int, end_ns: int, expected: str) -> None:
    assert bar(start_ns, end_ns) == expected


@given(st.integers(-200, 300), st.integers(0, 300), st.integers(1, 40))
def test_no_bar_is_invisible_or_leaves_its_strip(start_ns: int, length_ns: int, columns: int) -> None:
    strip = Strip(Scale(0, 100, columns))
    strip.bar(start_ns, start_ns + length_ns, "bar")
    first, last = strip.extent()
    assert 0 <= first < last <= columns
    assert len(drawn(strip)) == columns


def test_textures_fill_whole_cells_and_may_have_a_tip() -> None:
    strip = Strip(SCALE)
    strip.texture(1025, 1071, "▒", "bar-background")
    strip.texture(1080, 1100, "╌", "bar-open", tip="▶")
    assert drawn(strip) == "  ▒▒▒▒▒▒╌▶"


def test_an_empty_texture_takes_one_cell() -> None:
    strip = Strip(SCALE)
    strip.texture(1025, 1025, "▒", "bar-background")
    assert drawn(strip).strip() == "▒"


def test_what_is_painted_later_lies_on_top() -> None:
    strip = Strip(SCALE)
    strip.bar(1000, 1100, "bar")
    strip.mark(1050, "◆", "strong")
    assert [(piece.text, piece.role) for piece in strip.pieces()] == [
        ("█████", "bar"),
        ("◆", "strong"),
        ("████", "bar"),
    ]


def test_an_unpainted_strip_has_no_extent() -> None:
    assert Strip(SCALE).extent() == (0, 0)
    assert drawn(Strip(SCALE)) == " " * 10


@pytest.mark.parametrize(
    ("total_ns", "columns", "expected"),
    [
        (412_000_000, 64, "0              100 ms          200 ms         300 ms"),
        (2_500_000_000, 40, "0               1 s             2 s"),
        (1_500, 30, "0                   1 µs"),
        (7, 30, "0       2 ns     4 ns    6 ns"),
        (1, 16, "0"),
        (0, 16, "0"),
    ],
)
def test_the_axis_has_round_times(total_ns: int, columns: int, expected: str) -> None:
    assert Scale(0, total_ns, columns).axis() == expected


@given(st.integers(1, 10**13), st.integers(16, 200))
def test_the_axis_fits_and_its_times_rise(total_ns: int, columns: int) -> None:
    axis = Scale(0, total_ns, columns).axis()
    assert axis.startswith("0")
    assert len(axis) <= columns
    assert len(axis.split()) % 2 == 1
