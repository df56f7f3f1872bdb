"""Writers and the collector killed and stopped at random: what was committed is stored once, or counted as lost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import ROOT

STRIKES = 8


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["overwrite-oldest", "discard-newest"])
def test_what_was_committed_is_stored_once_or_counted_whoever_is_killed(tmp_path: Path, policy: str) -> None:
    """The long form is `make soak`."""
    command = [sys.executable, "-m", "load_tests.soak", f"--policy={policy}", f"--directory={tmp_path}"]
    done = subprocess.run(
        [*command, f"--strikes={STRIKES}", "--writers=2", "--seed=5"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("SCOPE_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing torn, missing or doubled" in done.stdout
    assert [int(found) for found in re.findall(r"(?:torn|duplicated|missing|unknown) (\d+)", done.stdout)] == [0] * 4
    workers, collectors = map(int, re.findall(r"killed: (\d+) workers, (\d+) collectors", done.stdout)[0])
    assert workers >= 2
    assert collectors >= 2
