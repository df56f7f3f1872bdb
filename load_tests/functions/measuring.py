"""Runs the cases in processes that take turns, and takes the least of many rounds.

The tools are in processes of their own, because each changes the interpreter that it is in. In every round each process
runs a short block of each case, so that whatever the machine does meanwhile meets all of them. Other work can only make
a block slower; the least of the rounds is what the block takes by itself. Where a process's memory happens to lie is
worth some nanoseconds a call, so there are several sets of processes, and the median of the sets is the figure.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from ..blocks import blocks_of
from ..overhead.rotation import rotate
from ..stack import SHARED_MEMORY, isolated, scratch
from .child.tools import NOTHING_LIBRARY
from .variants import BARE, CASES, CHILD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .environment import Environment
    from .variants import Variant

    Figures = Mapping[tuple[str, str], float]


def measure(environment: Environment, variants: Mapping[str, Variant], sets: int, rounds: int) -> Figures:
    """By variant and case: what is added to each repetition, in the case's unit; for the bare one, what it takes."""
    return middle([_one_set(environment, variants, rounds) for _ in range(sets)])


def middle(samples: Sequence[Figures]) -> Figures:
    """The median of each figure."""
    return {name: median(sample[name] for sample in samples) for name in samples[0]}


def added(spent: Mapping[tuple[str, str], Sequence[int]]) -> Figures:
    """What each case takes in its quickest round, less what the bare variant takes."""
    least = {(variant, case): min(rounds) / CASES[case].count for (variant, case), rounds in spent.items()}
    return {
        (variant, case): (ns - (0 if variant == BARE else least[BARE, case])) / CASES[case].unit_ns
        for (variant, case), ns in least.items()
    }


def _one_set(environment: Environment, variants: Mapping[str, Variant], rounds: int) -> Figures:
    with scratch() as directory, scratch(SHARED_MEMORY) as memory, ExitStack() as processes:
        blocks = {}
        for name, variant in variants.items():
            command = [str(environment.python), "-P", "-m", f"{CHILD}.measured", variant.tool]
            variables = _variables(environment, variant, directory, memory)
            ask = processes.enter_context(blocks_of(command, directory, variables))
            blocks.update({f"{name}/{case}": partial(ask, f"{case} {CASES[case].count}") for case in CASES})
        spent = rotate(blocks, rounds)
    return added({_parted(name): values for name, values in spent.items()})


def _parted(name: str) -> tuple[str, str]:
    variant, _, case = name.partition("/")
    return variant, case


def _variables(environment: Environment, variant: Variant, directory: Path, memory: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SCOPE_"))}
    ours |= {"PYTHONHASHSEED": "0", NOTHING_LIBRARY: str(environment.nothing)}
    if variant.settings is None:
        return ours
    segments = {"SCOPE_SEGMENT_DIR": str(memory), "SCOPE_PROFILE": "dev", "SCOPE_RUN": "1"}
    return ours | isolated(directory, {**segments, **variant.settings}) | {"PYTHONPATH": environment.bootstrap}
