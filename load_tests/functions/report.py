"""The figures as a table, and which limits they keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .variants import BARE, CASES, SCOPE, VIZTRACER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .measuring import Figures

CALL_NS: Final = 120
OFF_PLAN_NS: Final = 5
SHARE_OF_VIZTRACER: Final = 1 / 5
TITLE_WIDTH: Final = 42
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
        return f"{verdict} {self.title}: {self.value:.1f} {self.unit}, at most {self.limit:.1f}"


def checks(figures: Figures) -> list[Check]:
    """Every limit there is."""
    limits: dict[str, float] = dict.fromkeys(("call", "coroutine"), CALL_NS)
    limits |= dict.fromkeys(("off-plan", "other-module"), OFF_PLAN_NS)
    limits |= {case: figures[VIZTRACER, case] * SHARE_OF_VIZTRACER for case in ("plain", "fastapi")}
    return [Check(CASES[case].title, figures[SCOPE, case], limit, CASES[case].unit) for case, limit in limits.items()]


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
