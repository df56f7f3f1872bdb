from __future__ import annotations

import signal
from pathlib import Path

import pytest

from load_tests.processes import ChildError, running, wait_until_logged

SLEEP = "import time; print('up', flush=True); time.sleep(60)"


def test_a_child_is_ended_with_the_block(tmp_path: Path) -> None:
    with running("sleeper", ["-c", SLEEP], tmp_path) as child:
        wait_until_logged(child, "up", 1)
    assert child.process.returncode == -signal.SIGTERM


def test_descendants_and_their_cpu_time_count(tmp_path: Path) -> None:
    code = """
import subprocess, sys, time
busy = "import time\\nend = time.process_time() + 0.2\\nwhile time.process_time() < end: pass\\n"
subprocess.Popen([sys.executable, "-c", busy + "print('done', flush=True); time.sleep(60)"])
time.sleep(60)
"""
    with running("parent", ["-c", code], tmp_path) as child:
        wait_until_logged(child, "done", 1)
        assert len(child.pids()) == 2
        assert child.cpu_ns() >= 200_000_000
        assert child.peak_bytes() > 1_000_000
        child.kill()
    assert child.pids() == [child.process.pid]


def test_a_child_that_ends_too_early_is_an_error_with_its_output(tmp_path: Path) -> None:
    with (
        running("broken", ["-c", "raise SystemExit('no such luck')"], tmp_path) as child,
        pytest.raises(ChildError, match="no such luck"),
    ):
        wait_until_logged(child, "up", 1)


def test_a_child_that_does_not_get_ready_is_an_error(tmp_path: Path) -> None:
    with running("sleeper", ["-c", SLEEP], tmp_path) as child, pytest.raises(ChildError, match="does not get ready"):
        wait_until_logged(child, "up", 2, timeout_s=0.3)
