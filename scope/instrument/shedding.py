"""Functions that lose their probes while tracing costs too much: those that requests call most."""

from __future__ import annotations

from .._core import shedding
from .plan import Level, Rule

__all__ = ["functions_taken_out", "rule_without"]


def functions_taken_out() -> list[str]:
    """Their names, those that were called most first."""
    _, functions = shedding()
    return [name for name, _ in sorted(functions, key=lambda function: -function[1])]


def rule_without(function: str) -> Rule:
    """The rule that leaves out the function of that name, and all within."""
    return Rule(function.replace(".<locals>", ""), Level.OFF)
