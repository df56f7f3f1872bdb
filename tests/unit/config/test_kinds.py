"""Each kind of value: what it takes, what it refuses, and that its text is read back."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scope.config.kinds import Choice, Duration, Flag, Kind, Names, NamesOrAuto, Percent, Size, Text, Where, Whole
from scope.config.units import BYTE_UNITS, TIME_UNITS_MS, format_quantity, parse_quantity

SIZE = Size(1024, 1 << 30)
POWER = Size(1024, 1 << 30, power=True)
SECONDS = Duration("s", 1, 86_400)
MILLISECONDS = Duration("ms", 1, 86_400_000)
WORDS = Names(r"[a-z]+", "words", most=3)
TEXT = Text(r"[A-Za-z ]{1,8}", "text", lower=True)


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        (Flag(), True, True),
        (Flag(), " Yes ", True),
        (Flag(), "0", False),
        (Choice(("dev", "prod")), "PROD", "prod"),
        (Whole(1, 9), 9, 9),
        (Whole(1, 2000), "1_000", 1000),
        (Whole(1, 9), 3.0, 3),
        (SIZE, 4096, 4096),
        (SIZE, "64KiB", 65536),
        (SIZE, "64 kib", 65536),
        (SIZE, "1.5MiB", 1572864),
        (SIZE, "2kB", 2000),
        (SIZE, "1024B", 1024),
        (POWER, "1MiB", 1 << 20),
        (SECONDS, 10, 10),
        (SECONDS, "2min", 120),
        (SECONDS, "2m", 120),
        (SECONDS, "0.5h", 1800),
        (SECONDS, "1d", 86_400),
        (MILLISECONDS, "0.2s", 200),
        (MILLISECONDS, "1.1s", 1100),
        (MILLISECONDS, "200ms", 200),
        (TEXT, " Abc ", "abc"),
        (Where(), "a/b", "a/b"),
        (Where(), Path("/a"), "/a"),
        (WORDS, "a, b,,a", ("a", "b")),
        (WORDS, ["a", "b"], ("a", "b")),
        (WORDS, {"b", "a"}, ("a", "b")),
        (WORDS, (), ()),
        (NamesOrAuto(WORDS), "Auto", "auto"),
        (NamesOrAuto(WORDS), "a,b", ("a", "b")),
    ],
)
def test_a_good_value_is_read(kind: Kind[Any], raw: object, expected: object) -> None:
    assert kind.parse(raw) == expected


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (Flag(), "maybe"),
        (Flag(), 1),
        (Flag(), None),
        (Choice(("dev", "prod")), "pro"),
        (Choice(("dev", "prod")), 1),
        (Whole(1, 9), 0),
        (Whole(1, 9), 10),
        (Whole(1, 9), True),
        (Whole(1, 9), 1.5),
        (Whole(1, 9), "1KiB"),
        (Whole(1, 9), ""),
        (Whole(1, 9), "-1"),
        (Whole(1, 9), "\N{ARABIC-INDIC DIGIT FIVE}"),
        (Whole(1, 9), math.nan),
        (Whole(1, 9), math.inf),
        (Whole(1, 9), 1e300),
        (Whole(1, 9), "9" * 10_000),
        (Whole(1, 9), [1]),
        (SIZE, "64"),
        (SIZE, "2GiB"),
        (SIZE, "64Kb/s"),
        (SIZE, "10s"),
        (SIZE, "1024.5B"),
        (POWER, "3MiB"),
        (POWER, "1MB"),
        (SECONDS, "1500ms"),
        (SECONDS, "1y"),
        (SECONDS, "2d"),
        (TEXT, "a1"),
        (TEXT, "a\nb"),
        (TEXT, ""),
        (TEXT, b"abc"),
        (Where(), ""),
        (Where(), "a\0b"),
        (Where(), 3),
        (Where(), b"/a"),
        (WORDS, "a,B"),
        (WORDS, "a,b,c,d"),
        (WORDS, [1]),
        (WORDS, {"a": 1}),
        (WORDS, None),
        (NamesOrAuto(WORDS), 1),
    ],
)
def test_a_bad_value_is_refused(kind: Kind[Any], raw: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its text is never shown
        kind.parse(raw)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Flag(), True, "true"),
        (Choice(("dev", "prod")), "dev", "dev"),
        (Whole(1, 9), 3, "3"),
        (SIZE, 65536, "64KiB"),
        (SIZE, 1000, "1000B"),
        (Size(0, 9), 0, "0"),
        (SECONDS, 90, "90s"),
        (SECONDS, 3600, "1h"),
        (SECONDS, 604_800, "7d"),
        (MILLISECONDS, 200, "200ms"),
        (WORDS, ("a", "b"), "a,b"),
        (NamesOrAuto(WORDS), "auto", "auto"),
        (NamesOrAuto(WORDS), ("a",), "a"),
        (Where(), "/a", "/a"),
    ],
)
def test_a_value_is_shown_as_people_write_it(kind: Kind[Any], value: object, text: str) -> None:
    assert kind.show(value) == text


@pytest.mark.parametrize("kind", [Flag(), Choice(("a",)), Whole(1, 2), SIZE, POWER, SECONDS, TEXT, Where(), WORDS])
def test_what_is_allowed_is_a_phrase(kind: Kind[Any]) -> None:
    assert kind.allowed
    assert "|" not in kind.allowed


def test_bounds_are_described_in_units() -> None:
    assert SIZE.allowed == "bytes from 1KiB to 1GiB"
    assert POWER.allowed == "a power of two of bytes from 1KiB to 1GiB"
    assert SECONDS.allowed == "a time from 1s to 1d in whole s"
    assert NamesOrAuto(WORDS).allowed == '"auto", or a list of words, separated by commas where it is text'


@given(st.integers(0, 1 << 50))
def test_any_size_is_read_back_from_its_text(size: int) -> None:
    assert parse_quantity(format_quantity(size, BYTE_UNITS), BYTE_UNITS) == size


@given(st.integers(0, 10**12), st.sampled_from([1, 1000]))
def test_any_time_is_read_back_from_its_text(time: int, base: int) -> None:
    assert parse_quantity(format_quantity(time, TIME_UNITS_MS, base), TIME_UNITS_MS, base) == time


@given(st.text(max_size=30))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert parse_quantity(text, BYTE_UNITS) >= 0


@pytest.mark.parametrize(("raw", "expected"), [("1", 1.0), ("0.5", 0.5), ("2.5 %", 2.5), (3, 3.0), (0.25, 0.25)])
def test_a_percentage_is_a_number_with_or_without_its_sign(raw: object, expected: float) -> None:
    assert Percent(0.05, 100).parse(raw) == expected


@pytest.mark.parametrize("raw", ["", "much", "101", "0.01", "nan", "-1", True, None])
def test_what_is_no_percentage_within_bounds_is_refused(raw: object) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Percent(0.05, 100).parse(raw)


@given(st.floats(0.05, 100))
def test_a_percentage_is_read_back_as_it_is_shown(value: float) -> None:
    kind = Percent(0.05, 100)
    assert kind.parse(kind.show(value)) == value
    assert kind.allowed == "a percentage from 0.05 to 100"
