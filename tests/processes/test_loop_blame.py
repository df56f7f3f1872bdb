"""Who held the event loop of a real server, and who waited for it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from scope.config import load
from scope.store import Reader
from scope.views.blame import Blame, held_longest_ns, waited_ns
from scope.views.culprits import Culprit
from scope.views.loop_search import find_blame
from tests.support.servers import Asking, collector, scope, server
from tests.support.stored import stored, when_stored
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

MS = 1_000_000
LEAST_NS = 10 * MS
VICTIMS = [f"victim-{number}" for number in range(20)]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_each_side_names_the_other_and_the_times_agree(tmp_path: Path, loop: str) -> None:
    with ExitStack() as running:
        running.enter_context(collector(tmp_path))
        served = running.enter_context(server(tmp_path, options=["--loop", loop]))
        victims = [Asking(served.port, "/nap/100", victim) for victim in VICTIMS]
        eventually(lambda: sum(each.path == "/nap/100" for each in stored().values()) == len(VICTIMS))
        assert served.get("/block/300", "culprit").status == 200
        assert all(victim.answer() for victim in victims)
        for id_ in (*VICTIMS, "culprit"):
            when_stored(id_, lambda each: each.state == "done")
        told = {id_: scope("show", id_) for id_ in ("culprit", "victim-0")}
        ranked = [Culprit(**each) for each in json.loads(scope("loop", "--json"))["culprits"]]
    blame = blame_of(*VICTIMS, "culprit")
    taken = {theft.victim.id: theft.stolen_ns for theft in blame["culprit"].taken}
    for id_ in VICTIMS:
        check_victim(blame[id_], taken[id_], blame["culprit"].held_ns)
    assert "in report: 20 requests waited" in told["culprit"]
    assert "for GET /block/300 in report, id culprit" in told["victim-0"]
    check_rank(next(each for each in ranked if each.function == "report"), taken)


def blame_of(*ids: str) -> dict[str, Blame]:
    """What each request waited for and who waited for it; what lists have of both is checked on the way."""
    with Reader(load().store_dir) as reader:
        found = {each.id: each for each in reader.requests(limit=1000)}
        traces = {id_: reader.trace(found[id_]) for id_ in ids}
        assert [found[id_].loop_wait_ns for id_ in ids] == [waited_ns(traces[id_]) for id_ in ids]
        assert [found[id_].longest_step_ns for id_ in ids] == [held_longest_ns(traces[id_]) for id_ in ids]
        return {id_: find_blame(reader, traces[id_], LEAST_NS) for id_ in ids}


def check_victim(blame: Blame, taken_ns: int, held_ns: int) -> None:
    """The parts are the whole; what the culprit stole is what it is told to have taken, and most of its hold."""
    parts_ns = sum(theft.stolen_ns for theft in (*blame.stolen,)) + sum(theft.stolen_ns for theft in blame.outside)
    assert parts_ns + blame.unexplained_ns == blame.waited_ns
    [theft] = [each for each in blame.stolen if each.culprit.id == "culprit"]
    assert (theft.function, theft.stolen_ns) == ("report", taken_ns)
    # it was in the middle of a sleep of 10 ms when the loop was taken
    assert held_ns - 15 * MS <= theft.stolen_ns <= held_ns


def check_rank(culprit: Culprit, taken: dict[str, int]) -> None:
    assert (culprit.steps, culprit.route, culprit.culprit_id) == (1, "GET /block/300", "culprit")
    assert set(VICTIMS) <= taken.keys()
    assert culprit.victims >= len(VICTIMS)
    assert culprit.victim_id in VICTIMS
    assert culprit.stolen_ns >= sum(taken[id_] for id_ in VICTIMS)
