"""The control word says what is wished for, and nothing else."""

from __future__ import annotations

import pytest

from scope.wire.control import control_word, policy_in_force, shed_level, shed_word, wished_policy
from scope.wire.layout import POLICIES


@pytest.mark.parametrize("policy", POLICIES)
def test_a_wished_policy_is_in_force_whatever_the_process_began_with(policy: str) -> None:
    word = control_word(policy)
    assert wished_policy(word) == policy
    assert {policy_in_force(word, begun) for begun in POLICIES} == {policy}


@pytest.mark.parametrize("word", [control_word(None), ~(7 << 41) & (1 << 64) - 1, 4 << 41, 7 << 41])
def test_without_a_wish_that_is_known_each_process_does_what_it_began_with(word: int) -> None:
    assert wished_policy(word) is None
    assert [policy_in_force(word, begun) for begun in POLICIES] == list(POLICIES)


@pytest.mark.parametrize("level", [0, 1, 8, 255])
def test_the_level_of_shedding_is_read_back_beside_all_else(level: int) -> None:
    word = shed_word(level, 0.5) | control_word("block") | 0xFFFFFFFF
    assert shed_level(word) == level
    assert wished_policy(word) == "block"


def test_shares_beyond_what_the_word_has_room_for_are_cut() -> None:
    assert shed_word(1, 100.0) == shed_word(1, 4.095)
    assert shed_word(1, -1.0) == shed_word(1, 0.0)
    assert shed_word(0, 0.5) == 0
