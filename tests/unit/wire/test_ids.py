"""Span ids follow from the root's id and the span's number."""

from __future__ import annotations

import pytest

from scope.wire.ids import mix64, span_id


@pytest.mark.parametrize(
    ("seed", "drawn"),
    [(0, 0xE220A8397B1DCDAF), (0x9E3779B97F4A7C15, 0x6E789E6AA1B965F4), (1 << 64, 0xE220A8397B1DCDAF)],
)
def test_mix64_is_the_finaliser_of_splitmix64(seed: int, drawn: int) -> None:
    """The published generator adds the golden gamma to its state and mixes: these are its first numbers from seed 0."""
    assert mix64(seed + 0x9E3779B97F4A7C15) == drawn


def test_root_keeps_its_own_id() -> None:
    assert span_id(0x0123456789ABCDEF, 1) == 0x0123456789ABCDEF
    assert span_id(0x0123456789ABCDEF, 0) == 0x0123456789ABCDEF


def test_spans_of_a_request_have_ids_of_their_own() -> None:
    ids = {span_id(0xFFFFFFFFFFFFFFFF, number) for number in range(2, 10_000)}
    assert len(ids) == 9_998
    assert max(ids) < 1 << 64


def test_no_span_has_the_id_zero() -> None:
    """Zero means no span in W3C's header."""
    number = 5
    root = -number * 0x9E3779B97F4A7C15 % (1 << 64)
    assert span_id(root, number) == 1
