"""Asyncio tasks put together from events, whatever is missing."""

from __future__ import annotations

from typing import Any

from scope.model import AsyncTask, Definition, DefinitionKind, Event, EventType, Outcome
from scope.store.task_draft import TaskDrafts

CODE = Definition(DefinitionKind.CODE, "fetch", "", "/srv/stock.py", 12)


def begin(number: int = 5, time_ns: int = 100, **payload: Any) -> Event:
    told = {"waited_ns": 30, "flags": 0, "name": f"Task-{number}", **payload}
    return Event(EventType.ASYNC_TASK_BEGIN, time_ns, 9, number, 2, payload=told)


def step(task: int, ran_ns: int = 7) -> Event:
    return Event(EventType.LOOP_STEP, 200, 9, 1, payload={"waited_ns": 3, "ran_ns": ran_ns, "task": task})


def end(number: int = 5, time_ns: int = 300, outcome: int = Outcome.OK, error: str = "") -> Event:
    return Event(EventType.ASYNC_TASK_END, time_ns, 9, number, payload={"outcome": outcome, "error": error})


def made(*events: Event, state: str = "done", limit: int | None = None) -> tuple[AsyncTask, ...]:
    drafts = TaskDrafts(limit)
    for event in events:
        drafts.take_in(event, CODE if event.type is EventType.ASYNC_TASK_BEGIN else None)
    return drafts.freeze({2: "parent"}, 1_000, state)


def test_a_whole_task() -> None:
    [task] = made(begin(), step(5), step(0), step(6), step(5), end(error="KeyError", outcome=Outcome.EXCEPTION))
    assert task == AsyncTask(
        name="Task-5",
        coroutine="fetch",
        file="/srv/stock.py",
        line=12,
        span_id="parent",
        created_ns=1_070,
        start_ns=1_100,
        end_ns=1_300,
        status="error",
        error="KeyError",
        steps=2,
        ran_ns=14,
        waited_ns=6,
    )


def test_the_first_of_two_begins_and_of_two_ends_counts() -> None:
    [task] = made(begin(), begin(time_ns=400), end(), end(time_ns=999))
    assert (task.start_ns, task.end_ns) == (1_100, 1_300)


def test_without_an_end_it_is_open_or_was_cut_off() -> None:
    assert [made(begin(), state=state)[0].status for state in ("done", "open", "aborted")] == [
        "open",
        "open",
        "cancelled",
    ]


def test_without_a_beginning_there_is_none() -> None:
    assert made(step(5), end()) == ()


def test_the_making_of_one_that_began_unseen_is_not_known() -> None:
    [task] = made(begin(flags=1))
    assert (task.created_ns, task.start_ns) == (None, 1_100)


def test_an_outcome_of_a_later_version_is_taken_for_a_good_one() -> None:
    assert made(begin(), end(outcome=77))[0].status == "ok"


def test_with_a_limit_the_first_are_kept_and_the_others_counted() -> None:
    drafts = TaskDrafts(2)
    for number in range(5):
        drafts.take_in(begin(number, 100 + number), None)
    assert [task.name for task in drafts.freeze({2: ""}, 0, "done")] == ["Task-0", "Task-1"]
    assert drafts.left_out == 3
