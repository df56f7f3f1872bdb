"""One source as two modules: as it is, and with every function recorded. What one does the other must do."""

from __future__ import annotations

import asyncio
import linecache
import re
import sys
import textwrap
import traceback
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from scope.instrument.monitoring.marking import mark
from scope.instrument.monitoring.places import deepest, places_in
from scope.instrument.monitoring.tool import DEEPEST
from scope.instrument.plan import Level, Plan, Rule
from scope.instrument.transform.binding import bind
from scope.instrument.transform.compiling import compile_plain, compile_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from scope.instrument.monitoring.tool import Tool

EVERYTHING = Plan((Rule.parse("twin"),))
PLANS = {level.word: Plan((Rule("twin", level),)) for level in Level if level}
"""Everything, at each level."""
_ADDRESS = re.compile("0x[0-9a-f]+")


class Recorder:
    """How code is recorded: by a tool of the interpreter's, or without one by being transformed. Set by a fixture."""

    tool: Tool | None = None


def codes(source: str, file: str = "twin.py", plan: Plan = EVERYTHING) -> tuple[CodeType, CodeType]:
    """The code of a module, plain and recorded."""
    content = textwrap.dedent(source).encode()
    plain, places = compile_plain(content, file), places_in(plan, "twin", file, content)
    if Recorder.tool is not None and deepest(places) <= DEEPEST:
        monitored = compile_plain(content, file)
        mark(Recorder.tool, monitored, "twin", places)
        return plain, monitored
    probed = compile_source(plan, "twin", file, content)
    assert probed is not None
    return plain, bind(probed, "twin")


def twins(source: str, file: str = "<twin>", plan: Plan = EVERYTHING) -> tuple[ModuleType, ModuleType]:
    """The module, plain and recorded. Tracebacks and inspect see its source."""
    text = textwrap.dedent(source)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    plain, probed = (_executed(code, file) for code in codes(source, file, plan))
    return plain, probed


def _executed(code: CodeType, file: str) -> ModuleType:
    module = ModuleType("twin")
    module.__file__ = file
    sys.modules["twin"] = module  # where dataclasses and inspect look
    try:
        exec(code, vars(module))
    finally:
        del sys.modules["twin"]
    return module


def seen(work: Callable[[], Any]) -> tuple[object, list[tuple[str, int | None]]]:
    """What came of ``work``, an exception with its traceback, and the events of a tracer.

    That a line goes on where it was left is not told: 3.12 tells it of some jumps within a line and not of others.
    """
    events: list[tuple[str, int | None]] = []

    def tracer(frame: Any, event: str, _: object) -> Any:
        return _local_tracer(frame, events) if frame.f_code.co_filename.startswith("<twin") else None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        result: object = work()
    except BaseException as error:  # noqa: BLE001 - it is the result
        sys.settrace(before)
        result = told(error)
    finally:
        sys.settrace(before)
    return result, events


def _local_tracer(frame: Any, events: list[tuple[str, int | None]]) -> Any:
    name = frame.f_code.co_name
    events.append((f"call {name}", frame.f_lineno))
    last: int | None = None

    def tracer(frame: Any, event: str, _: object) -> Any:
        nonlocal last
        if event != "line" or frame.f_lineno != last:
            events.append((f"{event} {name}", frame.f_lineno))
        last = frame.f_lineno
        return tracer

    return tracer


def told(error: BaseException) -> list[str]:
    """Type, message, chain and frames of an exception, with their locals, but for frames of the test."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return [_ADDRESS.sub("0x", line) for line in lines if not line.startswith("  File") or 'File "<twin' in line]


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


def nested(depth: int) -> str:
    """A function of so many blocks, one in another."""
    loops = [f"{' ' * at}for _ in items:" for at in range(1, depth + 1)]
    return "\n".join(["def deep(items):", *loops, " " * (depth + 1) + "pass"])


def compiles(source: str) -> bool:
    try:
        compile(source, "x", "exec")
    except SyntaxError:
        return False
    return True
