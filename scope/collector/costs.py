"""What recording costs the traced processes, by type of record: measured by a child, once for each machine.

Until its figures are there, those of another machine stand in. Measured ones are kept in a file beside the store, with
what they hold for: another build of the core, another interpreter or another start of the machine measures anew.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .._core import __file__ as core_file
from ..model import EventType
from .own_file import open_own

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger("scope.collector")

Row: TypeAlias = tuple[int, int, int]
"""Type of record (0: a call that was held back, 1: a message), picoseconds of one, of each further word of payload."""

TYPICAL: Final[tuple[Row, ...]] = (
    (0, 26_000, 0),
    (1, 30_000, 0),
    (EventType.REQUEST_BEGIN, 1_800_000, 0),
    (EventType.REQUEST_ROUTE, 40_000, 0),
    (EventType.SPAN_BEGIN, 90_000, 30_000),
    (EventType.SPAN_END, 90_000, 30_000),
    (EventType.FUNCTION_ENTER, 50_000, 0),
    (EventType.FUNCTION_EXIT, 50_000, 0),
    (EventType.VALUES, 250_000, 30_000),
    (EventType.LINES, 500_000, 30_000),
    (EventType.MARK, 40_000, 30_000),
    (EventType.ANNOTATION, 100_000, 30_000),
    (EventType.EXCEPTION, 5_500_000, 45_000),
    (EventType.LOOP_STEP, 400_000, 0),
    (EventType.OUTSIDE_STEP, 400_000, 0),
    (EventType.ASYNC_TASK_BEGIN, 500_000, 0),
    (EventType.ASYNC_TASK_END, 500_000, 0),
    (EventType.LEDGER, 50_000, 0),
)

MOST_S: Final = 20.0
"""What takes longer is given up: the typical costs stay."""

_MOST_PS: Final = 1 << 32


class Costs:
    """The costs in force, measured ones kept in the file at ``path``. Whoever makes it closes it, too."""

    def __init__(self, path: str, command: Sequence[str] = (sys.executable, "-P", "-m", "scope.calibration")) -> None:
        self._path = path
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None
        self._is_asked = False
        self.rows: tuple[Row, ...] = self._kept() or TYPICAL
        self.is_measured = self.rows is not TYPICAL

    def look(self, now_s: float) -> bool:
        """Begin to measure, or see what has come of it; whether there are new costs. It does not wait."""
        if self.is_measured:
            return False
        if self._child is None:
            self._begin(now_s)
            return False
        if self._child.poll() is None:
            if now_s > self._until_s:
                self.close()
            return False
        return self._take(self._child)

    def _begin(self, now_s: float) -> None:
        if self._is_asked:
            return
        self._is_asked = True
        self._until_s = now_s + MOST_S
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SCOPE_")}
        try:
            self._child = subprocess.Popen(
                self._command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            logger.warning("the costs of tracing are not measured: %s", error)

    def _take(self, child: subprocess.Popen[bytes]) -> bool:
        output, _ = child.communicate()
        self._child = None
        rows = _rows(output)
        if child.returncode or not rows:
            logger.warning("the costs of tracing could not be measured: those of another machine stand in")
            return False
        self.rows, self.is_measured = rows, True
        self._keep()
        return True

    def _kept(self) -> tuple[Row, ...]:
        try:
            found: Any = json.loads(Path(self._path).read_bytes())
            return _rows(json.dumps(found["rows"]).encode()) if found["of"] == _held_for() else ()
        except (OSError, ValueError, TypeError, LookupError):
            return ()

    def _keep(self) -> None:
        with suppress(OSError):
            Path(self._path).unlink(missing_ok=True)
            with os.fdopen(open_own(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w") as file:
                json.dump({"of": _held_for(), "rows": self.rows}, file)

    def close(self) -> None:
        """End the child that measures, if there is one."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def _rows(text: bytes) -> tuple[Row, ...]:
    """Nothing where the text is no table of costs."""
    try:
        rows = tuple((int(kind), int(event_ps), int(word_ps)) for kind, event_ps, word_ps in json.loads(text))
    except (ValueError, TypeError):
        return ()
    sane = all(0 <= kind < 256 and min(costs) >= 0 and max(costs) < _MOST_PS for kind, *costs in rows)
    return rows if sane else ()


def _held_for() -> list[str]:
    """What measured costs hold for."""
    file = Path(core_file).stat()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        boot = ""
    return [sys.version, f"{file.st_size} {file.st_mtime_ns}", boot]
