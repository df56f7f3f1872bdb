from __future__ import annotations

from dataclasses import replace

from load_tests.isolation import Reply, check_trace
from load_tests.proof import Findings
from scope.model import Span, Trace
from tests.unit.load_tests.traces import root, row, span_id, work

ROOT_ID = f"{1:016x}"
REPLY = Reply("run-1", "tree", frozenset({"a", "a.0", "a.1"}))


def tree(*pieces: Span) -> Trace:
    """Request run-1 with work in the background and ``pieces``."""
    return Trace(row(1), root(1, *pieces, work("b", ROOT_ID)))


def good() -> Trace:
    return tree(work("a", ROOT_ID, work("a.0", span_id("a")), work("a.1", span_id("a"))))


def problems(trace: Trace, reply: Reply = REPLY) -> list[str]:
    findings = Findings()
    check_trace(trace, reply, findings)
    return sorted(findings.counts)


def test_a_trace_with_its_own_work_in_the_right_places_is_right() -> None:
    findings = Findings()
    assert check_trace(good(), REPLY, findings) == 4
    assert findings.lines() == []


def test_another_requests_work_is_found() -> None:
    stray = work("a.0", span_id("a"), owner="run-2")
    assert "another request's annotation" in problems(tree(work("a", ROOT_ID, stray, work("a.1", span_id("a")))))


def test_another_requests_annotation_is_found() -> None:
    trace = good()
    marked = replace(trace.root, attributes={"owner.a": "run-1", "owner.b": "run-7"})
    assert problems(replace(trace, root=marked)) == ["another request's annotation"]


def test_work_below_the_wrong_piece_is_found() -> None:
    nested = work("a.0", span_id("a"), work("a.1", span_id("a.0")))
    assert problems(tree(work("a", ROOT_ID, nested))) == ["a wrong parent"]


def test_work_whose_parent_id_is_not_its_parents_is_found() -> None:
    astray = work("a.0", "9" * 16)
    assert problems(tree(work("a", ROOT_ID, astray, work("a.1", span_id("a"))))) == ["a wrong parent"]


def test_lost_and_doubled_work_is_found() -> None:
    assert problems(tree(work("a", ROOT_ID, work("a.0", span_id("a"))))) == ["other work than was reported"]
    twice = work("a.0", span_id("a"))
    trace = tree(work("a", ROOT_ID, twice, twice, work("a.1", span_id("a"))))
    assert problems(trace) == ["a piece of work twice"]


def test_missing_work_in_the_background_is_found() -> None:
    trace = good()
    foreground = replace(trace.root, children=trace.root.children[:1])
    assert problems(replace(trace, root=foreground)) == ["no work in the background"]


def test_a_request_without_its_end_is_found() -> None:
    trace = good()
    assert problems(replace(trace, request=replace(trace.request, state="open"))) == ["tree request not whole"]


def test_what_a_request_could_not_know_is_not_held_against_it() -> None:
    stream = Reply("run-1", "stream", None)
    assert problems(Trace(row(1), root(1, work("s0", ROOT_ID))), stream) == []
