"""Event loops: how long each step of a request runs, and how long it was ready before its loop came to it.

asyncio's own loops and uvloop's take callbacks by the same methods; every step of a task comes through one of them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .._core import loop_method

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Literal, TypeAlias

    from ._patches import Patches

    Mode: TypeAlias = Literal["call_soon", "call_at", "call_later"]

__all__ = ["install"]

_METHODS: Final[Mapping[str, Mapping[str, Mode]]] = {
    "asyncio": {"call_soon": "call_soon", "call_soon_threadsafe": "call_soon", "call_at": "call_at"},
    "uvloop": {"call_soon": "call_soon", "call_soon_threadsafe": "call_soon", "call_later": "call_later"},
}
"""By library, the methods that all others come down to, and what they are to us."""


def install(patches: Patches, library: ModuleType) -> None:
    name = library.__name__.partition(".")[0]
    loop: Any = library.BaseEventLoop if name == "asyncio" else library.Loop
    for method, mode in _METHODS[name].items():
        patches.replace(loop, method, partial(_watch, mode))


def _watch(mode: Mode, original: Callable[..., Any]) -> Callable[..., Any]:
    return loop_method(original, mode)
