"""What the governor leaves out of traces, level by level: each leaves out what those below it do, and more."""

from __future__ import annotations

from typing import Final

LEFT_OUT: Final = (
    "nothing",
    "local variables and lines",
    "values",
    "functions that a request calls more than 1,000 times",
    "functions that a request calls more than 100 times",
    "functions that a request calls more than 10 times",
    "the functions of 9 in 10 requests of each route, and those called more than 10 times",
    "the functions of 99 in 100 requests of each route, and those called more than 10 times",
    "all functions",
)
"""In words, by level; ``scope/core/python/shedding.c`` does it."""

HIGHEST: Final = len(LEFT_OUT) - 1

NO_VALUES: Final = 2
"""The level from which on no values are recorded: those up to it save nothing where none are."""


def left_out(level: int) -> str:
    """What a level leaves out; one that this version does not know leaves out more than any that it knows."""
    return LEFT_OUT[min(level, HIGHEST)]
