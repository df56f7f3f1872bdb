"""The conditions that code of this process is made for: by their numbers it asks for them."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

from ..._core import set_conditions
from .compiling import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..plan import Condition

MOST_CONDITIONS: Final = 63
"""At a time, in one process."""


class Conditions:
    """Numbers are from 1 on, and given again once nobody keeps what they stood for.

    ``tickets_dir`` is where the requests of all processes take their tickets.
    """

    def __init__(self) -> None:
        self.tickets_dir = ""
        self._held: list[Condition | None] = []
        self._lock = threading.Lock()

    def number(self, condition: Condition) -> int:
        """The number of ``condition``, from now on until it is not kept. Raises Refused where there are too many."""
        with self._lock:
            if condition in self._held:
                return self._held.index(condition) + 1
            if None not in self._held:
                if len(self._held) == MOST_CONDITIONS:
                    raise Refused(f"rules make more than {MOST_CONDITIONS} conditions")
                self._held.append(None)
            free = self._held.index(None)
            self._held[free] = condition
            self._tell()
            return free + 1

    def keep(self, conditions: Iterable[Condition]) -> None:
        """Forget all others: no code asks for them any more."""
        kept = frozenset(conditions)
        with self._lock:
            held = [each if each in kept else None for each in self._held]
            while held and held[-1] is None:
                held.pop()
            if held != self._held:
                self._held = held
                self._tell()

    def forked(self) -> None:
        """In a child: a thread of its parent may have held the lock."""
        self._lock = threading.Lock()

    def _tell(self) -> None:
        set_conditions(tuple(None if each is None else self._parts(each) for each in self._held))

    def _parts(self, each: Condition) -> tuple[str | None, str | None, str | None, str | None]:
        ticket = each.ticket and os.path.join(self.tickets_dir, each.ticket)
        return each.method, each.route, each.id, ticket


conditions = Conditions()
"""Those of this process."""
