"""The figures as a table, and which limits they keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .variants import AST, BARE, CASES, MONITORING, VIZTRACER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .measuring import Figures

CALL_NS: Final = {AST: 120, MONITORING: 130}
OFF_PLAN_NS: Final = 5
SHARE_OF_VIZTRACER: Final = 1 / 5
TITLE_WIDTH: Final = 46
WIDTH: Final = 12


@dataclass(frozen=True, slots=True)
class Check:
    """A figure beside the most that is allowed."""

    title: str
    value: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "met   " if self.met else "MISSED"
        return f"{verdict} {self.title} {self.value:.1f} {self.unit}, at most {self.limit:.1f}"


def checks(figures: Figures) -> list[Check]:
    """Every limit there is, of each engine that was measured."""
    engines = [engine for engine in CALL_NS if (engine, "call") in figures]
    return [_check(figures, engine, case, limit) for engine in engines for case, limit in _limits(figures, engine)]


def _limits(figures: Figures, engine: str) -> Iterator[tuple[str, float]]:
    for case in ("call", "coroutine"):
        yield case, CALL_NS[engine]
    for case in ("off-plan", "other-module"):
        yield case, OFF_PLAN_NS
    yield "served", figures[VIZTRACER, "served"] * SHARE_OF_VIZTRACER


def _check(figures: Figures, engine: str, case: str, limit: float) -> Check:
    return Check(f"{engine}: {CASES[case].title}", figures[engine, case], limit, CASES[case].unit)


def table(figures: Figures, variants: Sequence[str]) -> list[str]:
    """A line for each case: what it takes by itself, and what each variant adds."""
    others = [name for name in variants if name != BARE]
    lines = [
        "".join(("added to each".ljust(TITLE_WIDTH), "(takes)".rjust(WIDTH), *(name.rjust(WIDTH) for name in others)))
    ]
    for case, about in CASES.items():
        values = (f"{figures[name, case]:.1f}".rjust(WIDTH) for name in (BARE, *others))
        lines.append("".join((f"{about.title}, {about.unit}".ljust(TITLE_WIDTH), *values)))
    return lines
