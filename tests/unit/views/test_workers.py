"""Who came in whose place, and how an end is told."""

from __future__ import annotations

from dataclasses import replace

from scope.store import Worker
from scope.views.lines import plain
from scope.views.workers import end_line, replaced, worker_lines, worker_objects
from tests.unit.views.samples import MS, START_NS

SECOND_NS = 1000 * MS
RUNNING = Worker(10, "shop", "web-1", START_NS, "running", None, None, 0, 0, 0, 0, 0)


def running(pid: int, since_s: int, service: str = "shop") -> Worker:
    return replace(RUNNING, pid=pid, service=service, started_ns=START_NS + since_s * SECOND_NS)


def died(pid: int, since_s: int, until_s: int, state: str = "died") -> Worker:
    alive_ns = START_NS + until_s * SECOND_NS
    return replace(running(pid, since_s), state=state, alive_ns=alive_ns, ended_ns=alive_ns + 400 * MS)


def pairs(*workers: Worker) -> dict[int, int]:
    return {new.pid: old.pid for new, old in replaced(workers).items()}


def test_one_that_begins_soon_after_another_has_ended_is_in_its_place() -> None:
    assert pairs(running(2, 11), died(1, 0, 10)) == {2: 1}
    assert pairs(running(2, 10), died(1, 0, 10)) == {2: 1}


def test_nobody_is_replaced_before_the_end_long_after_it_by_others_or_twice() -> None:
    assert pairs(running(2, 9), died(1, 0, 10)) == {}
    assert pairs(running(2, 70), died(1, 0, 10)) == {}
    assert pairs(running(2, 11, "other"), died(1, 0, 10)) == {}
    assert pairs(running(3, 12), running(2, 11), died(1, 0, 10)) == {2: 1}


def test_of_several_the_last_to_end_is_replaced_first() -> None:
    assert pairs(running(4, 14), running(3, 12), died(2, 0, 11), died(1, 0, 10)) == {3: 2, 4: 1}


def test_a_chain_of_restarts_is_told_link_by_link() -> None:
    found = list(worker_objects([running(3, 21), died(2, 11, 20), died(1, 0, 10)]))
    assert [(each["pid"], each["replaces"]) for each in found] == [(3, 2), (2, 1), (1, None)]


def test_the_table_has_what_is_known_of_each() -> None:
    ended = replace(died(1, 0, 10, "ended"), outside=2, outside_ns=250 * MS, gc=1, gc_ns=3 * MS, lost=7)
    lines = [plain(each) for each in worker_lines([running(2, 11), ended], START_NS + 71 * SECOND_NS, None)]
    assert lines[1].split() == ["2", "shop", "running", "1", "min", "ago", "1", "min", "1"]
    assert lines[2].split() == ["1", "shop", "ended", "1", "min", "ago", "10", "s", "250", "ms", "3", "ms", "7"]
    gone = replace(RUNNING, state="gone")
    assert plain(list(worker_lines([gone], START_NS, None))[1]).split() == ["10", "shop", "gone", "just", "now"]


def test_an_end_is_told_with_the_time_within_which_it_came() -> None:
    told = plain(end_line(died(1, 0, 10)))
    assert told.startswith("process 1 died within 400 ms after 2023-11-14T")
    assert told.endswith("when it had lived for 10 s")
    assert "ended as it had said it would" in plain(end_line(died(1, 0, 10, "ended")))
    assert end_line(RUNNING) == ()
