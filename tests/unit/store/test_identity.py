"""One number for a request, and unsigned numbers in a database that has none."""

from __future__ import annotations

import pytest

from scope.store.identity import KEY_MASK, MAX_SEGMENTS, identity, key_of, segment_of, signed, unsigned


@pytest.mark.parametrize(("segment", "key"), [(1, 1), (3, KEY_MASK), (MAX_SEGMENTS, KEY_MASK)])
def test_segment_and_key_are_read_back_and_fit_64_bits(segment: int, key: int) -> None:
    request = identity(segment, key)
    assert (segment_of(request), key_of(request)) == (segment, key)
    assert 0 < request < 1 << 63


def test_a_key_too_large_stays_within_its_segment() -> None:
    assert segment_of(identity(5, KEY_MASK + 9)) == 5


@pytest.mark.parametrize("number", [0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_unsigned_numbers_survive_the_signed_ones(number: int) -> None:
    assert -(1 << 63) <= signed(number) < 1 << 63
    assert unsigned(signed(number)) == number
