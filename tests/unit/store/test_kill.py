"""``kill -9`` of a process that writes, again and again, at moments that nobody chose."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from scope.store import Reader, Writer
from tests.unit.store.kit import Clock
from tests.unit.store.world import END_NS, SETTINGS, check, script

ROOT = Path(__file__).parents[3]
SEED, REQUESTS = 7, 500
CHILD = """
import random, sys
from pathlib import Path
from tests.unit.store.world import run, script
rings = script({seed}, {requests})
print("ready", flush=True)
run(Path(sys.argv[1]), rings, random.Random(int(sys.argv[2])))
"""


def life(directory: Path, number: int, kill_after_s: float | None) -> int:
    """The exit status of a process that writes what is left of the script, and is killed."""
    code = CHILD.format(seed=SEED, requests=REQUESTS)
    command = [sys.executable, "-c", code, str(directory), str(number)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            process.kill()
        return process.wait()


def test_a_writer_killed_at_random_stores_everything_exactly_once_in_the_end(tmp_path: Path) -> None:
    source = random.Random(SEED)
    ends = [life(tmp_path, number, source.uniform(0.0, 0.12)) for number in range(6)]
    assert -signal.SIGKILL in ends
    assert life(tmp_path, 99, None) == 0
    check(tmp_path, script(SEED, REQUESTS))


def test_a_reader_sees_what_a_killed_writer_had_committed(tmp_path: Path) -> None:
    """Nobody has opened the files for writing since."""
    life(tmp_path, 1, 0.15)
    with Reader(tmp_path) as reader:
        stored = reader.requests(limit=10_000)
        assert len({each.span_id for each in stored}) == len(stored)
        assert all(reader.trace(each).request.trace_id == each.trace_id for each in stored[:20])
    with Writer(tmp_path, SETTINGS, clock=Clock(END_NS)) as writer, Reader(tmp_path) as reader:
        assert len(reader.open_requests()) == len(writer.restore().open)
