"""What one engine records of a program the other one records, too."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest

from scope.instrument.monitoring.tool import Tool
from tests.unit.core.inside import inside
from tests.unit.instrument.transform import test_functions
from tests.unit.instrument.transform.twins import PLANS, Recorder, twins

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = """
import asyncio, sys

def leaf(x=0): return [x]

def fails(depth):
    if not depth:
        raise ValueError("told")
    return fails(depth - 1)

def handles():
    try:
        fails(3)
    except ValueError:
        leaf()

async def waits(turns):
    for _ in range(turns):
        await asyncio.sleep(0)
        leaf()

async def cancelled():
    task = asyncio.ensure_future(forever())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        leaf()

async def forever():
    try:
        await asyncio.Event().wait()
    finally:
        leaf()

async def items(to):
    for number in range(to):
        await waits(1)
        got = yield number
        leaf(got)

async def consumes():
    found = [item async for item in items(3)]
    await asyncio.gather(waits(2), waits(1))
    return found

async def throws_into():
    generator = items(3)
    await generator.asend(None)
    await generator.asend("sent")
    try:
        await generator.athrow(KeyError("in"))
    except KeyError:
        leaf()

def tree(depth):
    if depth:
        yield from tree(depth - 1)
        leaf()
        yield depth
        yield from tree(depth - 1)

def ignores():
    while True:
        try:
            yield leaf()
        except GeneratorExit:
            leaf()
            return

def plain_yield():
    yield leaf()
    yield leaf()

def raises_at_once():
    raise KeyError((yield))

def consumer():
    first, second = ignores(), plain_yield()
    next(first), next(second)
    first.close(), second.close()
    third = raises_at_once()
    next(third)
    try:
        third.throw(TypeError("thrown"))
    except TypeError:
        leaf()
    list(tree(3))
    return sum(len(leaf(x)) for x in plain_yield())

def calls_back(turns):
    turns(1, 2)
    leaf()

def descends(depth):
    found = 0
    for each in one(depth) if depth else ():
        found += 1 + descends(each - 1)
    return found

def one(depth):
    yield depth

def exits(): sys.exit(leaf())

class Shop:
    def __enter__(self): return leaf() and self
    def __exit__(self, *raised): return leaf(raised) and True
    @property
    def price(self): return leaf()
    def buy(self):
        with self:
            fails(1)
        return [self.price for _ in range(2)]
"""

CALLS = (
    "handles", "consumes", "cancelled", "throws_into", "consumer", "exits", "deleted", "in_threads", "in_greenlets",
    "deep",
)  # fmt: skip


def called(module: Any, name: str) -> Any:
    match name:
        case "deleted":
            return _deleted(module)
        case "in_threads":
            return _in_threads(module)
        case "in_greenlets":
            return _in_greenlets(module)
        case "deep":
            return _deep(module)
        case "exits":
            with contextlib.suppress(SystemExit):
                module.exits()
            return module.Shop().buy()
        case _:
            return getattr(module, name)()


def _deleted(module: Any) -> None:
    """Generators that nobody holds any more, within a cycle or not."""
    kept: list[Any] = [module.plain_yield(), module.ignores()]
    assert [next(generator) for generator in kept] == [[0], [0]]
    kept.append(kept)
    del kept
    gc.collect()
    module.leaf()


def _in_greenlets(module: Any) -> None:
    """Calls that are open at once on stacks that take turns, and one that is abandoned."""
    greenlet: Any = pytest.importorskip("greenlet")  # it has no types

    def turns(*leaves: object) -> None:
        for each in leaves:
            module.leaf(each)
            greenlet.getcurrent().parent.switch()

    vars(module)["turns"] = turns
    stacks = [greenlet.greenlet(lambda: module.calls_back(turns)) for _ in range(3)]
    for stack in stacks:
        stack.gr_context = contextvars.copy_context()
    for _ in range(2):
        for stack in stacks:
            stack.switch()
    stacks.pop().throw(greenlet.GreenletExit)
    while stacks:
        stacks.pop().switch()
    gc.collect()
    module.leaf()


def _deep(module: Any) -> None:
    """More calls open at once than the table has rows, with generators between them."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(5000)
    try:
        assert module.descends(2500) == 2500
    finally:
        sys.setrecursionlimit(before)


async def _in_threads(module: Any) -> None:
    generator = module.plain_yield()
    await asyncio.to_thread(next, generator)
    await asyncio.gather(*(asyncio.to_thread(module.consumer) for _ in range(3)))
    await asyncio.to_thread(generator.close)


def told(module: Any, work: Callable[[Any], Any]) -> list[tuple[int, str, str, object, object]]:
    """Each span with its depth, outcome, exception and values."""
    trace = inside(lambda: work(module))
    assert trace.request.complete
    return [
        (depth, span.name, span.status, span.exception and (span.exception.type, span.exception.message), span.values)
        for depth, span in trace.spans()
    ]


@pytest.mark.parametrize("level", ["timing", "values"])
@pytest.mark.parametrize("name", CALLS)
def test_a_program_leaves_the_same_trace(tool: Tool, name: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = PLANS[level]
    transformed = told(twins(SOURCE, plan=plan)[1], lambda module: called(module, name))
    monkeypatch.setattr(Recorder, "tool", tool)
    monitored = told(twins(SOURCE, plan=plan)[1], lambda module: called(module, name))
    in_order: Any = str if name == "in_threads" else lambda _: 0  # threads in any order
    assert sorted(monitored, key=in_order) == sorted(transformed, key=in_order)
    assert len(transformed) > 2
    assert any(span[-1] for span in monitored) == (level == "values")


@pytest.mark.parametrize("call", test_functions.CALLS)
def test_a_function_of_any_kind_leaves_the_same_trace(tool: Tool, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(module: Any) -> Any:
        with contextlib.suppress(Exception, SystemExit, ExceptionGroup):
            return eval(call, {**vars(module), "run": lambda coroutine: coroutine})
        return None

    transformed = told(twins(test_functions.SOURCE)[1], work)
    monkeypatch.setattr(Recorder, "tool", tool)
    assert told(twins(test_functions.SOURCE)[1], work) == transformed


def test_what_an_unrecorded_iterator_calls_while_it_is_delegated_to_is_told_apart(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one difference: transformed code cannot see that the generator's consumer goes on with the iterator."""

    def work(module: Any) -> None:
        class Iterator:
            def __iter__(self) -> Any:
                return self

            def __next__(self) -> Any:
                module.leaf()
                raise StopIteration

        vars(module)["Iterator"] = Iterator
        list(module.delegates())

    source = "def leaf(): return [1]\ndef delegates():\n    yield from Iterator()\n    leaf()\n"
    depths = [[span[0] for span in told(twins(source)[1], work)]]
    monkeypatch.setattr(Recorder, "tool", tool)
    depths.append([span[0] for span in told(twins(source)[1], work)])
    assert depths == [[0, 1, 2, 1], [0, 1, 2, 2]]
