"""The tool that analyses code."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from ...errors import ScopeError
from ...instrument.analyse import analyse
from ...store import Reader, moment
from ..findings import finding_object
from ..jsonout import JsonObject
from ..measured_text import measured_sum
from ..rules_file import rules_file_lines
from ..sample import corrected_by
from .parameters import Limit, Lines, Since

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...config import Config
    from ...instrument.analyse import Analysis

__all__ = ["PlanTools"]

_FINDING: Final = ("rule", "severity", "message", "file", "line", "routes", "cost", "advice")


class PlanTools:
    """Over the code below ``root``, and nothing else."""

    def __init__(self, config: Config, root: Path, clock: Callable[[], int] = time.time_ns) -> None:
        self._config = config
        self._root = root.resolve()
        self._clock = clock

    def propose_plan(
        self,
        path: Annotated[
            str, Field(max_length=1000, description="A directory or file of Python code, relative to the server's root")
        ] = ".",
        *,
        from_store: Annotated[
            bool, Field(description="Correct it by stored requests: what was hot, slow, never called")
        ] = False,
        since: Since = "",
        limit: Limit = 20,
        max_lines: Lines = 100,
    ) -> JsonObject:
        """Analyse code without running it: routes, findings, and rules that say which functions to record.

        Findings are blocking calls in asynchronous code, queries in loops, missing awaits, swallowed exceptions and the
        like, the worst first; with `from_store` by what they were measured to cost. `rules` are for
        `scope run --plan FILE`.
        """
        analysis = analyse(self._confined(path))
        if from_store:
            analysis = self._corrected(analysis, since)
        rules = list(rules_file_lines(analysis))
        return {
            "routes": [
                {"route": each.label, "handler": each.handler, "file": each.file, "line": each.line}
                for each in islice(analysis.routes, limit)
            ],
            "findings": [_finding(analysis, index) for index in range(min(limit, len(analysis.findings)))],
            "rules": rules[:max_lines],
            "measured": measured_sum(analysis, analysis.measured) if analysis.measured else None,
            "counts": {
                "modules": analysis.modules,
                "functions": analysis.functions,
                "routes": len(analysis.routes),
                "findings": len(analysis.findings),
                "rules": len(rules),
                "unreadable": len(analysis.unreadable),
            },
        }

    def _confined(self, path: str) -> Path:
        """The path, which is below the root whatever links lead there. Raises ScopeError where it is not."""
        wanted = (self._root / path).resolve()
        if not wanted.is_relative_to(self._root):
            raise ScopeError(f"{path} is outside {self._root}: start scope mcp with --root where it may look")
        if not wanted.exists():
            raise ScopeError(f"there is no {path} in {self._root}: name a directory of Python code there")
        return wanted

    def _corrected(self, analysis: Analysis, since: str) -> Analysis:
        with Reader(self._config.store_dir) as store:
            return corrected_by(store, analysis, moment(since, self._clock()) if since else None)


def _finding(analysis: Analysis, index: int) -> JsonObject:
    whole = finding_object(analysis.findings[index])
    return {name: whole[name] for name in _FINDING}
