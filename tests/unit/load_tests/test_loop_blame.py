"""What the proof of the loop demo finds wrong: each kind of untruth is found, and nothing where all is true."""

from __future__ import annotations

from dataclasses import replace

from load_tests.loop_blame import Block, Late, Told, check
from load_tests.proof import Findings
from scope.model import RequestSummary
from scope.views.blame import Blame, Theft
from scope.views.culprits import Culprit
from tests.unit.load_tests.traces import row

MS = 1_000_000
BLOCK = Block(0, 300 * MS)
CULPRIT = replace(row(0), id="culprit")
VICTIMS = [Late("victim-0", 100 * MS, 305 * MS, 310 * MS), Late("victim-1", 50 * MS, 300 * MS, 305 * MS)]
"""200 and 250 ms of it while the loop was blocked."""


def request(id_: str) -> RequestSummary:
    return replace(row(0), id=id_)


def theft(victim: str, stolen_ms: float, function: str = "render", culprit: RequestSummary = CULPRIT) -> Theft:
    return Theft(culprit, request(victim), function, round(stolen_ms * MS))


def blame(*stolen: Theft) -> Blame:
    return Blame(0, stolen, (), 0, ())


OTHERS = theft("victim-0", 9, "visit", request("victim-1"))
TRUE = {
    "victim-0": blame(theft("victim-0", 200), OTHERS),
    "victim-1": blame(theft("victim-1", 250)),
    "culprit": Blame(0, (), (), 0, (theft("victim-1", 250), theft("victim-0", 200))),
}
WORST = Culprit("render", "GET /report", "shop", 1, 300 * MS, 300 * MS, 2, 450 * MS, "culprit", "victim-1")


def problems(worst: Culprit | None = WORST, **changed: Blame) -> list[str]:
    told = Told({**TRUE, **{name.replace("_", "-"): each for name, each in changed.items()}}, worst)
    findings = Findings()
    assert len(check(BLOCK, VICTIMS, told, findings)) == 6
    return sorted(findings.counts)


ALIKE, TIMES, RANK = "not named alike by each other", "times differ by more than 5 %", "ranked otherwise"


def test_what_is_true_has_no_problem() -> None:
    assert problems() == []


def test_a_victim_that_does_not_name_the_culprit_or_the_function_is_found() -> None:
    assert problems(victim_1=blame()) == [ALIKE]
    assert problems(victim_1=blame(theft("victim-1", 250, "GET /report"))) == [ALIKE]


def test_a_victim_that_the_culprit_does_not_name_is_found() -> None:
    assert problems(culprit=Blame(0, (), (), 0, (theft("victim-1", 250),))) == [ALIKE, TIMES]


def test_two_sides_that_tell_different_times_are_found() -> None:
    assert problems(victim_1=blame(theft("victim-1", 251))) == [ALIKE]


def test_times_that_do_not_add_up_are_found() -> None:
    assert problems(victim_0=blame(theft("victim-0", 200), replace(OTHERS, stolen_ns=30 * MS))) == [TIMES]
    short = theft("victim-0", 180)
    assert problems(victim_0=blame(short, OTHERS), culprit=replace(TRUE["culprit"], taken=(short,))) == [ALIKE, TIMES]


def test_one_that_was_stopped_before_it_looked_at_the_clock_is_no_problem() -> None:
    late = Late("victim-0", 100 * MS, 305 * MS, 400 * MS)
    findings = Findings()
    check(BLOCK, [late, VICTIMS[1]], Told(TRUE, WORST), findings)
    assert findings.counts == {}
    check(BLOCK, [replace(late, before_ns=390 * MS), VICTIMS[1]], Told(TRUE, WORST), findings)
    assert [*findings.counts] == [TIMES]


def test_another_rank_is_found() -> None:
    assert problems(replace(WORST, victims=1)) == [RANK]
    assert problems(replace(WORST, stolen_ns=500 * MS)) == [TIMES]
    assert problems(None) == ["not ranked"]
