"""Figures read well at every size, and foreign text never acts on a terminal."""

from __future__ import annotations

import time
import unicodedata
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scope.views.format import format_ago, format_bytes, format_duration, format_time, safe_text

S = 1_000_000_000
MINUTE, HOUR, DAY = 60 * S, 3600 * S, 86_400 * S


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0 ns"),
        (7, "7 ns"),
        (999, "999 ns"),
        (1_000, "1 µs"),
        (12_340, "12.3 µs"),
        (999_499, "999 µs"),
        (999_500, "1 ms"),
        (1_236_000, "1.24 ms"),
        (100_000_000, "100 ms"),
        (999_999_999, "1 s"),
        (3_100_000_000, "3.1 s"),
        (59_940_000_000, "59.9 s"),
        (59_960_000_000, "1 min"),
        (125 * S, "2 min 5 s"),
        (HOUR - 1, "1 h"),
        (HOUR + 150 * S, "1 h 2 min"),
        (DAY + 5 * HOUR, "1 d 5 h"),
        (400 * DAY, "400 d"),
        (-1_500_000, "-1.5 ms"),
    ],
)
def test_duration_has_three_digits_or_two_units(duration_ns: int, text: str) -> None:
    assert format_duration(duration_ns) == text


@given(st.integers(0, 1 << 64), st.integers(0, 1 << 64))
def test_longer_duration_never_reads_shorter(first: int, second: int) -> None:
    scales = {"ns": 1, "µs": 1_000, "ms": 1_000_000, "s": S, "min": MINUTE, "h": HOUR, "d": DAY}

    def read(text: str) -> float:
        words = text.split()
        return sum(float(number) * scales[unit] for number, unit in zip(words[::2], words[1::2], strict=True))

    shorter, longer = sorted((first, second))
    assert read(format_duration(shorter)) <= read(format_duration(longer))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1010 * 1024, "1010 KiB"),
        (1024 * 1024 - 1, "1 MiB"),
        (64 << 20, "64 MiB"),
        (5 << 30, "5 GiB"),
        (1 << 70, "1024 EiB"),
        (-2048, "-2 KiB"),
    ],
)
def test_bytes_have_three_digits_and_a_binary_unit(count: int, text: str) -> None:
    assert format_bytes(count) == text


def test_time_is_iso_to_the_millisecond_with_its_offset() -> None:
    time_ns = 1_700_000_000_123_999_999
    assert format_time(time_ns, UTC) == "2023-11-14T22:13:20.123+00:00"
    assert format_time(time_ns, timezone(timedelta(hours=-3))) == "2023-11-14T19:13:20.123-03:00"
    assert format_time(-1, UTC) == "1969-12-31T23:59:59.999+00:00"


def test_time_is_local_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-05:30")
    time.tzset()
    try:
        assert format_time(0) == "1970-01-01T05:30:00.000+05:30"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("time_ns", [1 << 90, -(1 << 90), 253_402_300_800 * S])
def test_time_beyond_the_calendar_is_given_in_seconds(time_ns: int) -> None:
    assert format_time(time_ns, UTC).startswith("@")


@pytest.mark.parametrize(
    ("age_ns", "text"),
    [
        (0, "just now"),
        (S - 1, "just now"),
        (S, "1 s ago"),
        (59 * S, "59 s ago"),
        (5 * MINUTE + 59 * S, "5 min ago"),
        (3 * HOUR, "3 h ago"),
        (9 * DAY, "9 d ago"),
        (1 - S, "just now"),
        (-3 * S, "in 3 s"),
        (-2 * HOUR, "in 2 h"),
    ],
)
def test_age_is_told_in_its_largest_unit(age_ns: int, text: str) -> None:
    now_ns = 1_700_000_000 * S
    assert format_ago(now_ns - age_ns, now_ns) == text


@pytest.mark.parametrize("text", ["", "GET /users/7", "naïve 東京 ☃", "👍", "back\\slash", "a b"])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("a\r\nb\tc\x00\x7f", "a\\r\\nb\\tc\\x00\\x7f"),
        ("/file\u202egpj.exe", "/file\\u202egpj.exe"),
        ("\u2066isolated\u2069", "\\u2066isolated\\u2069"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        ("no\xa0break", "no\\xa0break"),
        ("lone\udc80surrogate", "lone\\udc80surrogate"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
    ids=ascii,
)
def test_what_would_act_on_a_terminal_is_written_out(text: str, safe: str) -> None:
    assert safe_text(text) == safe


@given(st.text(st.characters()))
def test_any_text_becomes_one_printable_line_that_can_be_encoded(text: str) -> None:
    safe = safe_text(text)
    assert safe.isprintable()
    assert len(safe.splitlines()) <= 1
    assert {unicodedata.category(character)[0] for character in safe.replace(" ", "")} <= set("LMNPS")
    assert safe.encode().decode() == safe
    assert safe_text(safe) == safe
