"""Latency bins: every duration in one, and no answer further off than is said."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scope.store.bins import RELATIVE_ERROR, bin_of, bins_of, lower_bound, middle, percentiles

DURATIONS = st.integers(0, 1 << 60)
FRACTIONS = (0.0, 0.5, 0.95, 0.99, 1.0)


@given(DURATIONS)
def test_every_duration_lies_within_its_bin(duration: int) -> None:
    number = bin_of(duration)
    assert lower_bound(number) <= duration < lower_bound(number + 1)


@given(DURATIONS)
def test_the_middle_of_a_bin_is_as_close_as_promised(duration: int) -> None:
    assert abs(middle(bin_of(duration)) - duration) <= duration * RELATIVE_ERROR


@given(st.integers(0, 1500))
def test_bins_follow_each_other_without_gap(number: int) -> None:
    assert bin_of(lower_bound(number)) == number
    assert bin_of(lower_bound(number + 1) - 1) == number


@pytest.mark.parametrize("durations", [[0, 31, 32, 10**9], [32, 33, 5_000_000_000], [-7, 1]])
def test_many_at_once_get_the_same_bins(durations: list[int]) -> None:
    assert bins_of(durations) == list(map(bin_of, durations))


def test_a_clock_that_ran_backwards_counts_as_no_time() -> None:
    assert bin_of(-1) == 0


def test_an_hour_needs_few_bins() -> None:
    """As the module says."""
    assert bin_of(3600 * 10**9) == 618


@given(st.lists(DURATIONS, min_size=1, max_size=50))
def test_percentiles_are_those_of_the_durations_within_the_error(durations: list[int]) -> None:
    found = percentiles(Counter(map(bin_of, durations)), FRACTIONS)
    exact = [sorted(durations)[max(1, math.ceil(fraction * len(durations))) - 1] for fraction in FRACTIONS]
    assert all(abs(got - want) <= want * RELATIVE_ERROR for got, want in zip(found, exact, strict=True))
