"""Programs in processes of their own, and what their segments hold afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from scope._core import Segment
from scope.testing import read_segment

if TYPE_CHECKING:
    from scope.model import Trace

ROOT = Path(__file__).parents[2]

PRELUDE = """
import asyncio, os, sys, threading, time
import scope
from scope import _core, annotate, configure, probe, span
from tests.unit.core.inside import http, receive, send, serve
configure(collector={"autostart": False}, segment={"first_lane_bytes": "64KiB", "lane_bytes": "32KiB"})

@probe
def step():
    pass
"""


def command(code: str) -> list[str]:
    return [sys.executable, "-c", PRELUDE + textwrap.dedent(code)]


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **variables}


def run(code: str, **variables: str) -> str:
    """What the program writes; what it logs and how it fails becomes part of the failure."""
    done = subprocess.run(
        command(code), env=environment(**variables), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def segments(directory: Path) -> list[Path]:
    """The segments of a session directory, the oldest first."""
    return sorted((directory / "segments").glob("*.seg"), key=_begun_ns)


def _begun_ns(path: Path) -> int:
    segment = Segment(str(path))
    try:
        return segment.clocks[0]
    finally:
        segment.close()


def traces(path: Path) -> list[Trace]:
    return read_segment(str(path)).traces()
