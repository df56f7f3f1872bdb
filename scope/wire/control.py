"""The control word, by which running processes are told something: which bits say what."""

from __future__ import annotations

from typing import Final

from .layout import POLICIES

_SHED_SHIFT: Final = 32
_SHED_MASK: Final = 0xFF
_SHARE_SHIFT: Final = 44
_SHARE_MASK: Final = 0xFFF
_POLICY_SHIFT: Final = 41
_POLICY_MASK: Final = 0b111

__all__ = ["control_word", "policy_in_force", "shed_level", "shed_word", "wished_policy"]


def control_word(overflow: str | None) -> int:
    """The word that wishes for the overflow policy; None leaves every process the one that it began with."""
    wish = POLICIES.index(overflow) + 1 if overflow else 0
    return wish << _POLICY_SHIFT


def wished_policy(word: int) -> str | None:
    """The policy that the word wishes for; None for none, and for one that this version does not know."""
    wish = word >> _POLICY_SHIFT & _POLICY_MASK
    return POLICIES[wish - 1] if 0 < wish <= len(POLICIES) else None


def policy_in_force(word: int, begun_with: str) -> str:
    """The policy of a process whose header has ``begun_with``, as far as its control word says."""
    return wished_policy(word) or begun_with


def shed_word(level: int, share: float) -> int:
    """The bits that say how much is left out of traces, and why: the part of the process's CPU that tracing took."""
    tenths = min(max(round(share * 1000), 0), _SHARE_MASK)
    return min(level, _SHED_MASK) << _SHED_SHIFT | (tenths << _SHARE_SHIFT if level else 0)


def shed_level(word: int) -> int:
    """How much the word leaves out of traces; 0: nothing."""
    return word >> _SHED_SHIFT & _SHED_MASK
