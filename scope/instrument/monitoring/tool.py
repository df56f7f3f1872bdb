"""Our place among the tools of ``sys.monitoring``, and the code objects whose calls it tells of."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

from ..._core import monitor, monitored, monitoring_callbacks
from ..plan import Level

if TYPE_CHECKING:
    from types import CodeType

    from ..._core import CodeProbe

__all__ = ["DEEPEST", "NAME", "Tool", "is_available"]

NAME: Final = "scope"
DEEPEST: Final = Level.VALUES
"""What this engine records at most; for deeper levels code is transformed."""

_monitoring: Final[Any] = getattr(sys, "monitoring", None)
# First those that nothing in the standard library takes: with that of profilers taken, cProfile would refuse to start.
# Hypothesis takes 3. Those of debuggers and of coverage are left to them.
_NUMBERS: Final = (4, 3, 5, 2)
_LOCAL: Final = ("PY_START", "PY_RETURN")
_LOCAL_OF_GENERATORS: Final = (*_LOCAL, "PY_YIELD", "PY_RESUME")
_OF_ALL: Final = ("PY_THROW", "PY_UNWIND")


def is_available() -> bool:
    """Whether this interpreter has what the engine needs."""
    return bool(monitoring_callbacks())


class Tool:
    """One of the few tools that an interpreter has room for; :meth:`close` makes room again."""

    def __init__(self, number: int) -> None:
        self._number = number
        for name, callback in monitoring_callbacks().items():
            _monitoring.register_callback(number, getattr(_monitoring.events, name), callback)
        _monitoring.set_events(number, _mask(_OF_ALL))

    @classmethod
    def take(cls) -> Tool | None:
        """None where the interpreter has no such tools, or others have them all."""
        if not is_available():
            return None
        for number in _NUMBERS:
            try:
                _monitoring.use_tool_id(number, NAME)
            except ValueError:
                continue
            return cls(number)
        return None

    def record(self, code: CodeType, probe: CodeProbe | None) -> CodeProbe | None:
        """Record calls of ``code`` from now on as ``probe`` says, or no longer; what its probe was before.

        Calls that are under way go on as they began.
        """
        before = monitored(code)
        if before is probe:
            return before
        is_open = monitor(code, probe)
        if probe is None and is_open:
            return before  # whose ends are still to come; what begins switches itself off
        if before is None:
            self._listen(code, 0)  # or what switched itself off would stay so
        self._listen(code, 0 if probe is None else _mask(_events_of(code)))
        return before

    def _listen(self, code: CodeType, events: int) -> None:
        _monitoring.set_local_events(self._number, code, events)

    def close(self) -> None:
        """Hear of nothing any more."""
        _monitoring.set_events(self._number, 0)
        for name in monitoring_callbacks():
            _monitoring.register_callback(self._number, getattr(_monitoring.events, name), None)
        _monitoring.free_tool_id(self._number)


def _events_of(code: CodeType) -> tuple[str, ...]:
    yields = code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR)
    return _LOCAL_OF_GENERATORS if yields else _LOCAL


def _mask(names: tuple[str, ...]) -> int:
    mask = 0
    for name in names:
        mask |= getattr(_monitoring.events, name)
    return mask
