"""Asyncio tasks in words: in their place, apart where they outlived the request, folded where they are alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scope.model import AsyncTask, Trace
from scope.views.jsonout import trace_object
from scope.views.lines import plain
from scope.views.tasktext import left_over, made_in, task_lines
from scope.views.tree import tree_lines
from tests.unit.views.samples import MS, START_NS, make_span, make_trace

TASK = AsyncTask(
    name="Task-7",
    coroutine="fetch",
    file="/srv/shop/stock.py",
    line=12,
    span_id="",
    created_ns=START_NS + 5 * MS,
    start_ns=START_NS + 6 * MS,
    end_ns=START_NS + 25 * MS,
    status="ok",
    error="",
    steps=3,
    ran_ns=2 * MS,
    waited_ns=1 * MS,
)


def trace(*tasks: AsyncTask, state: str = "done") -> Trace:
    root = make_span("GET", 0, 100, make_span("report", 1, 98))
    found = make_trace(root, state=state, duration_ns=100 * MS, background_ns=0)
    ids = {"root": found.root.span_id, "": found.root.children[0].span_id}
    return replace(found, tasks=tuple(replace(task, span_id=ids.get(task.span_id, task.span_id)) for task in tasks))


def shown(*tasks: AsyncTask, **options: Any) -> list[str]:
    """The lines of the tree below the titles, without blanks at their ends."""
    return [plain(line).rstrip() for line in tree_lines(trace(*tasks), **options)][1:]


def texts(*tasks: AsyncTask, fold_at: int = 0, shortest_ns: int = 0) -> list[str]:
    found = task_lines(tasks, fold_at=fold_at, shortest_ns=shortest_ns)
    return ["".join(piece.text for piece in each.text) for each in found]


def test_a_task_is_told_below_the_span_that_made_it() -> None:
    _, _, line = shown(TASK)
    assert line.split()[:4] == ["5", "ms", "20", "ms"]
    assert "⧗ task fetch  ran 2 ms in 3 steps, ready 1 ms before  shop/stock.py:12" in line


def test_a_name_that_somebody_gave_it_is_told() -> None:
    assert texts(replace(TASK, name="warm up", file=""))[0].startswith("task fetch warm up  ran 2 ms")


def test_one_step_is_one_and_a_task_without_code_has_no_name() -> None:
    [text] = texts(replace(TASK, coroutine="", steps=1))
    assert text.startswith("task (unnamed)  ran 2 ms in 1 step, ")


def test_how_it_ended_is_told_unless_all_is_well() -> None:
    failed, cancelled = replace(TASK, status="error", error="KeyError"), replace(TASK, status="cancelled")
    unended = replace(TASK, status="open", end_ns=None)
    assert [text.split("  ")[2] for text in texts(failed, cancelled, unended)] == ["KeyError", "cancelled", "open"]
    assert [each.duration_ns for each in task_lines([TASK, unended], fold_at=0)] == [20 * MS, None]


def test_neighbours_that_are_alike_are_folded() -> None:
    alike = [replace(TASK, name=f"Task-{number}") for number in range(5)]
    other = replace(TASK, coroutine="other")
    found = list(task_lines([*alike, other], fold_at=5))
    assert [each.duration_ns for each in found] == [100 * MS, 20 * MS]
    assert texts(*alike, fold_at=5)[0].startswith("×5 task fetch  ran 10 ms in 15 steps, ready 5 ms before")
    assert len(texts(*alike, fold_at=0)) == 5


def test_short_ones_are_left_out_unless_they_failed_or_go_on() -> None:
    kept = [replace(TASK, status="error"), replace(TASK, status="open", end_ns=None)]
    assert len(texts(TASK, *kept, shortest_ns=21 * MS)) == 2


def test_those_that_outlived_the_request_are_apart() -> None:
    late = replace(TASK, coroutine="late", end_ns=START_NS + 150 * MS)
    never = replace(TASK, coroutine="never", end_ns=None, status="open", created_ns=None)
    found = trace(TASK, late, never)
    assert [task.coroutine for task in left_over(found)] == ["late", "never"]
    assert [task.coroutine for tasks in made_in(found).values() for task in tasks] == ["fetch"]
    lines = shown(TASK, late, never)
    assert lines[-3].strip() == "tasks that outlived the request"
    assert ["late" in lines[-2], "never" in lines[-1], "no end" in lines[-1]] == [True] * 3
    assert lines[-1].split()[:2] == ["6", "ms"]


def test_of_a_request_that_was_cut_off_or_goes_on_nothing_is_left_over() -> None:
    open_task = replace(TASK, end_ns=None)
    assert left_over(trace(open_task, state="open")) == left_over(trace(open_task, state="aborted")) == []


def test_programs_get_all_of_them() -> None:
    [told] = trace_object(trace(TASK))["tasks"]
    assert (told["coroutine"], told["created_ns"], told["status"]) == ("fetch", TASK.created_ns, "ok")
