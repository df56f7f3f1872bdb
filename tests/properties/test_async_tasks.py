"""Whatever tasks a request makes, fails and cancels, each is told once, of the span that made it, with its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scope
from scope import ScopeMiddleware
from scope.integrations import install
from scope.testing import captured

ROOT = "GET /"


@dataclass(frozen=True, slots=True)
class Node:
    """What a task does: begin ``children``, pass so many turns, cancel some of them, wait for all, perhaps fail."""

    turns: int
    has_span: bool = False
    is_cancelled: bool = False
    fails: bool = False
    children: tuple[Node, ...] = ()


@dataclass(slots=True)
class Runner:
    """Runs the tasks of a node; ``expected`` says by name which span made each, and how it ended by its own word."""

    expected: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    numbers: Iterator[int] = field(default_factory=count)

    async def run(self, node: Node, within: str) -> None:
        label = f"span {next(self.numbers)}" if node.has_span else within
        with scope.span(label) if node.has_span else nullcontext():
            made = [self.make(child, label) for child in node.children]
            for _ in range(node.turns):
                await asyncio.sleep(0)
            for child, task in zip(node.children, made, strict=True):
                if child.is_cancelled:
                    task.cancel()
            await asyncio.gather(*made, return_exceptions=True)
            if node.fails:
                raise KeyError(label)

    def make(self, node: Node, within: str) -> asyncio.Task[None]:
        name = f"number {next(self.numbers)}"
        task = asyncio.create_task(self.run(node, within), name=name)
        task.add_done_callback(lambda done: self.note(name, within, done))
        return task

    def note(self, name: str, within: str, done: asyncio.Task[None]) -> None:
        status = "cancelled" if done.cancelled() else "error" if done.exception() else "ok"
        self.expected[name] = within, status


def nodes(children: st.SearchStrategy[tuple[Node, ...]]) -> st.SearchStrategy[Node]:
    flag = st.booleans()
    return st.builds(Node, st.integers(0, 3), flag, flag, flag, children)


TREES = st.recursive(nodes(st.just(())), lambda node: nodes(st.lists(node, max_size=4).map(tuple)), max_leaves=20)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREES)
def test_each_task_is_told_once_as_it_was(run: Callable[[Coroutine[Any, Any, None]], None], tree: Node) -> None:
    runner = Runner()

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.gather(runner.make(tree, ROOT), return_exceptions=True)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(_message: Any) -> None:
        pass

    async def main() -> None:
        await ScopeMiddleware(app)({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)

    with install(["loops"]), captured() as capture:
        run(main())
    trace = capture.trace()
    spans = {span.span_id: span.name for _, span in trace.spans()}
    assert {task.name: (spans[task.span_id], task.status) for task in trace.tasks} == runner.expected
    assert len(trace.tasks) == len(runner.expected)
    assert all(
        task.created_ns <= task.start_ns <= task.end_ns for task in trace.tasks if task.created_ns and task.end_ns
    )
