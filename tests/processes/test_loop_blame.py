"""Who held the event loop of a real server, and who waited for it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from scope.config import load
from scope.store import Reader
from scope.views.blame import thefts, waited_ns
from tests.support.servers import Asking, collector, scope, server
from tests.support.stored import stored, trace_of, when_stored
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

MS = 1_000_000
VICTIMS = 20


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_each_side_names_the_other_and_the_times_agree(tmp_path: Path, loop: str) -> None:
    with ExitStack() as running:
        running.enter_context(collector(tmp_path))
        served = running.enter_context(server(tmp_path, options=["--loop", loop]))
        victims = [Asking(served.port, "/nap/100", f"victim-{number}") for number in range(VICTIMS)]
        eventually(lambda: sum(each.path == "/nap/100" for each in stored().values()) == VICTIMS)
        assert served.get("/block/300", "culprit").status == 200
        assert all(victim.answer() for victim in victims)
        culprit = trace_of(when_stored("culprit", lambda each: each.state == "done"))
        found = [
            trace_of(when_stored(f"victim-{number}", lambda each: each.state == "done")) for number in range(VICTIMS)
        ]
        told = scope("show", "culprit"), scope("show", "victim-0")
    [held] = [step.end_ns - step.start_ns for step in culprit.steps if step.end_ns - step.start_ns >= 300 * MS]
    for victim in found:
        [theft] = thefts(victim, [culprit])
        assert theft.function == "report"
        # it was in the middle of a sleep of 10 ms when the loop was taken
        assert held - 15 * MS <= theft.stolen_ns <= held
        with Reader(load().store_dir) as reader:
            beside = [reader.trace(each) for each in reader.neighbours(victim.request)]
        stolen_ns = sum(each.stolen_ns for each in thefts(victim, beside))
        assert stolen_ns <= waited_ns(victim)
    assert f"in report: {VICTIMS} requests waited" in told[0]
    assert "blocked" in told[1]
    assert "by GET /block/300 in report, id culprit" in told[1]
