"""Snapshots of what is drawn; ``python -m tests.unit.views.golden`` writes them anew, the diff is to be read."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from scope.views.header import header_lines
from scope.views.lines import plain
from scope.views.markdown import markdown_lines
from scope.views.requests_table import request_lines
from scope.views.tree import tree_lines
from scope.views.waterfall import waterfall_lines
from tests.unit.views.samples import SAMPLES, START_NS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scope.views.lines import Line

FOLDER = Path(__file__).with_name("golden")
NOW_NS = START_NS + 200 * 1_000_000_000


def drawings() -> dict[str, str]:
    """Every snapshot by the name of its file."""
    found: dict[str, str] = {}
    for name, make in SAMPLES.items():
        trace = make()
        found[f"{name}-header.txt"] = text(header_lines(trace, NOW_NS))
        found[f"{name}-tree.txt"] = text(tree_lines(trace))
        found[f"{name}-waterfall.txt"] = text(waterfall_lines(trace))
        found[f"{name}-waterfall-80.txt"] = text(waterfall_lines(trace, width=80))
        found[f"{name}.md"] = "\n".join([*markdown_lines(trace), ""])
    requests = [make().request for make in SAMPLES.values()]
    found["requests.txt"] = text(request_lines(requests, NOW_NS))
    found["requests-80.txt"] = text(request_lines(requests, NOW_NS, 80))
    return found


def text(lines: Iterable[Line]) -> str:
    return "\n".join([*map(plain, lines), ""])


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(exist_ok=True)
    for file, content in drawings().items():
        FOLDER.joinpath(file).write_text(content, encoding="utf-8")
