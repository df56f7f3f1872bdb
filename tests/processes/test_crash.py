"""A process killed anywhere leaves what it had committed, readable."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path

import pytest

from .program import command, environment, segments, traces

ENDLESS = """
    def work():
        number = 0
        while True:
            number += 1
            annotate(**{f"n{number % 50}": number})
            os.write(1, b"%d\\n" % number)

    asyncio.run(serve(work, http(path="/endless")))
"""


@pytest.mark.parametrize("turn", range(3))
def test_every_event_committed_before_a_kill_is_there(turn: int, tmp_path: Path) -> None:
    wanted = random.Random(turn).randrange(1, 5000)
    with subprocess.Popen(command(ENDLESS), env=environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        last = 0
        for _ in range(wanted):
            last = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        last = max([last, *map(int, process.stdout.read().split(b"\n")[:-1])])
    (path,) = segments(tmp_path / "scope")
    (trace,) = traces(path)
    numbers = sorted(value for value in trace.root.attributes.values() if isinstance(value, int))
    assert numbers[-1] in {last, last + 1}
    assert numbers == [*range(numbers[-1] - len(numbers) + 1, numbers[-1] + 1)]
    assert trace.request.state == "open"  # that its process is dead, the collector finds out


def test_a_process_that_aborts_leaves_its_open_spans(tmp_path: Path) -> None:
    code = """
        async def work():
            with span("outer"):
                await asyncio.sleep(0)
                with span("inner"):
                    os.abort()
        asyncio.run(serve(work))
    """
    done = subprocess.run(command(code), env=environment(), capture_output=True, check=False)
    assert done.returncode == -signal.SIGABRT
    (path,) = segments(tmp_path / "scope")
    (trace,) = traces(path)
    assert [(span.name, span.status) for _, span in trace.spans()][1:] == [("outer", "open"), ("inner", "open")]
