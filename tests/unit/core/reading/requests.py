"""Requests that are recorded, and taken from a correlator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from scope import _core, annotate
from scope.store.batch import Summary
from tests.unit.core.inside import serve

SMALL: dict[str, Any] = {"lanes": 2, "first_lane_bytes": 32768, "lane_bytes": 32768, "definitions_bytes": 4096}


MANY = 1 << 30


def request(work: Callable[[], object] = lambda: None) -> None:
    asyncio.run(serve(work))


def annotate_often(count: int) -> None:
    for _ in range(count):
        annotate(text="x" * 200)


def taken(correlator: _core.Correlator) -> list[Summary]:
    return [Summary(*row) for row in correlator.take(MANY)]
