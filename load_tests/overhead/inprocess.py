"""CPU that tracing adds to a request of an application that is called directly, without a server."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ..blocks import blocks_of
from ..processes import ROOT
from .calls import REQUESTS
from .rotation import added, rotate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager


@dataclass(frozen=True, slots=True)
class Sample:
    """Microseconds for a request, of one set of processes: bare, added by tracing, and between two bare processes."""

    bare_us: float
    added_us: float
    noise_us: float


def measure(framework: str, loop: str, rounds: int, environment: Mapping[str, str]) -> Sample:
    """Let three processes take turns: a bare application, a traced one, and the bare one again."""
    apps = {"bare": f"bare_{framework}", "traced": f"traced_{framework}", "bare_again": f"bare_{framework}"}
    with ExitStack() as processes:
        blocks = {name: processes.enter_context(caller(app, loop, environment)) for name, app in apps.items()}
        spent = rotate(blocks, rounds)
    return Sample(
        bare_us=median(spent["bare"]) / REQUESTS / 1000,
        added_us=added(spent, "traced", "bare", REQUESTS) / 1000,
        noise_us=added(spent, "bare_again", "bare", REQUESTS) / 1000,
    )


def caller(app: str, loop: str, environment: Mapping[str, str]) -> AbstractContextManager[Callable[..., int]]:
    """A process that calls ``app``; each call of what is given runs one block there: its CPU time in nanoseconds."""
    return blocks_of([sys.executable, "-m", "load_tests.overhead.calls", app, loop], ROOT, environment)
