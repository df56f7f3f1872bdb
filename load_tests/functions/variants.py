"""What is measured: cases, and the processes that they happen in, each with one tool as it watches them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

CHILD: Final = "load_tests.functions.child"
BARE: Final = "none"
NOISE: Final = "none again"
AST: Final = "ast"
MONITORING: Final = "monitoring"
VIZTRACER: Final = "viztracer"
MONITORED: Final = frozenset({"3.12", "3.13"})


@dataclass(frozen=True, slots=True)
class Case:
    """``count`` repetitions are a block; a repetition takes ``unit_ns`` units."""

    title: str
    count: int
    unit: str = "ns"

    @property
    def unit_ns(self) -> int:
        return 1000 if self.unit == "us" else 1


CASES: Final[Mapping[str, Case]] = MappingProxyType(
    {
        "call": Case("function", 2000),
        "call-of-three": Case("function of three arguments", 2000),
        "coroutine": Case("coroutine", 2000),
        "step": Case("step of a generator", 2000),
        "off-plan": Case("off the Plan, in a planned module", 2000),
        "other-module": Case("off the Plan, in a module that is not", 2000),
        "plain": Case("request of 200 calls, plain ASGI", 20, "us"),
        "fastapi": Case("request of 200 calls, FastAPI", 20, "us"),
        "served": Case("request of 200 calls, FastAPI and uvicorn", 20, "us"),
    }
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A process of the benchmark: the tool in it, and the settings of scope; None where scope is not loaded."""

    tool: str
    settings: Mapping[str, str] | None = None


def variants(minor: str) -> dict[str, Variant]:
    """Those of an interpreter, as in ``3.12``: with both engines where it has both."""
    engines = (AST, MONITORING) if minor in MONITORED else (AST,)
    return {
        BARE: Variant("none"),
        NOISE: Variant("none"),
        **{engine: Variant("scope", settings(engine)) for engine in engines},
        "values": Variant("scope", settings("auto", level="values")),
        "held back": Variant("scope", {**settings("auto"), "SCOPE_PROBES_CALLS_PER_FUNCTION": "1"}),
        VIZTRACER: Variant("viztracer"),
        "yappi wall": Variant("yappi-wall"),
        "yappi cpu": Variant("yappi-cpu"),
        "C callback": Variant("nothing"),
    }


def settings(engine: str, level: str = "timing") -> dict[str, str]:
    """What records what is to be recorded, at ``level`` and as often as it is called."""
    recorded = (f"{CHILD}.{module}={level}" for module in ("recorded", "basket", "applications"))
    return {
        "SCOPE_PROBES_ENGINE": engine,
        "SCOPE_PROBES_OWN": "false",
        "SCOPE_PROBES_RULES": ",".join((*recorded, f"{CHILD}.recorded.off_plan=off")),
        "SCOPE_PROBES_CALLS_PER_FUNCTION": "1000000",
        "SCOPE_PROBES_CALLS_PER_REQUEST": "10000000",
    }
