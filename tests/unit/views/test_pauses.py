"""Garbage collection within a request: found, summed up, and named to those who waited."""

from __future__ import annotations

from dataclasses import replace

from scope.model import Attributes, Mark, Trace
from scope.views.blame import thefts
from scope.views.blametext import blame_lines
from scope.views.header import header_lines
from scope.views.lines import plain
from scope.views.pauses import pause_line, pause_of, pauses
from scope.views.spantext import mark_text
from scope.views.tree import tree_lines
from tests.unit.views.samples import MS, START_NS, make_span
from tests.unit.views.test_blame import VICTIM, blame, request
from tests.unit.views.test_states import step


def mark(start_ms: int, lasts_ms: int, generation: int = 2, **more: object) -> Mark:
    said = {"gc.duration_ns": lasts_ms * MS, "gc.generation": generation, "gc.collected": 7}
    attributes: Attributes = {**said, **more}  # type: ignore[dict-item]
    return Mark("garbage collection", START_NS + start_ms * MS, attributes)


def paused(*marks: Mark) -> Trace:
    inner = replace(make_span("render", 21, 38), marks=marks[1:])
    found = request("/culprit", step(20, 20, 60), spans=(make_span("report", 20, 40, inner),))
    return replace(found, root=replace(found.root, marks=marks[:1]))


def test_they_are_found_wherever_they_were() -> None:
    trace = paused(mark(5, 2, 0), mark(30, 12), Mark("other", START_NS))
    assert [(each.start_ns, each.end_ns, each.generation) for each in pauses(trace)] == [
        (START_NS + 5 * MS, START_NS + 7 * MS, 0),
        (START_NS + 30 * MS, START_NS + 42 * MS, 2),
    ]
    assert plain(pause_line(trace)) == "garbage collection 2 times, 14 ms, up to generation 2"
    assert plain(pause_line(paused(mark(5, 2, 0)))) == "garbage collection once, 2 ms, up to generation 0"
    assert pause_line(paused()) == ()


def test_a_mark_of_the_applications_own_is_none() -> None:
    assert pause_of(Mark("garbage collection", 0, {"gc.duration_ns": "long", "gc.generation": 2})) is None
    assert pause_of(replace(mark(1, 1), name="mine")) is None


def test_it_is_told_in_the_header_and_in_the_tree() -> None:
    trace = paused(mark(30, 48))
    assert mark_text(trace.root.marks[0]) == "garbage collection of generation 2: 48 ms"
    assert any("garbage collection once, 48 ms" in plain(each) for each in header_lines(trace, START_NS))
    drawn = [plain(each) for each in tree_lines(trace)]
    assert any("garbage collection of generation 2: 48 ms  gc.collected=7" in each for each in drawn)


def test_a_victim_is_told_what_part_of_the_step_that_held_it_was_garbage_collection() -> None:
    culprit = paused(mark(5, 2), mark(30, 12), mark(50, 20))
    [theft] = thefts(VICTIM, [culprit])
    assert theft.paused_ns == 32 * MS
    [_, told, *_] = [plain(line) for line in blame_lines(blame(VICTIM, culprit), 10 * MS)]
    assert told.endswith("32 ms of it garbage collection")
