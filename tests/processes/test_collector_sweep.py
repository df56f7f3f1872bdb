"""A collector killed at its changes of files, one after the other: a part of what ``make sweep`` tries."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_whatever_change_a_collector_is_killed_at_its_successor_stores_the_rest_once() -> None:
    command = [sys.executable, "-m", "tests.processes.sweep", "--every", "120"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    tried = re.search(r"(\d+) changes of files in six sweeps, (\d+) kills", done.stdout)
    assert tried is not None
    assert int(tried.group(2)) > 20
