"""The control word says what is wished for, and nothing else."""

from __future__ import annotations

import pytest

from scope.wire.control import control_word, policy_in_force, wished_policy
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
