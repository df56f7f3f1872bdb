"""Modules that a Plan is about are imported as ever, and their planned functions are recorded."""

from __future__ import annotations

import ast
import importlib
import logging
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scope._core import monitored
from scope.instrument.monitoring import loader as loader_module
from scope.instrument.monitoring.loader import MonitoredLoader
from scope.instrument.monitoring.tool import Tool
from scope.instrument.plan import Plan, Rule
from scope.instrument.transform.cache import CodeCache
from scope.instrument.transform.finder import ProbedLoader, ProbingFinder
from tests.unit.core.inside import inside, outline

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = """
import functools, types

def decorated(function):
    @functools.wraps(function)
    def wrapper(*args): return function(*args)
    return wrapper

@decorated
@decorated
def work(x):
    def inner(): return [x]
    return inner()

class Shop:
    @property
    def __price(self): return [1]
    def buy(self): return self.__price

def other(): return (lambda: [1])()

@types.coroutine
def waits():
    yield
    return work(1)
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module that nobody has imported."""
    path = tmp_path / "monitored_module.py"
    path.write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    yield path
    sys.modules.pop("monitored_module", None)


def imported(tool: Tool, *rules: str, cache: CodeCache | None = None) -> Any:
    """The module as another process would get it, by this Plan."""
    sys.modules.pop("monitored_module", None)
    importlib.invalidate_caches()
    finder = ProbingFinder(Plan(tuple(map(Rule.parse, rules))), cache, tool)
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module("monitored_module")
    finally:
        sys.meta_path.remove(finder)


def loader_of(module: ModuleType) -> type:
    return type(module.__loader__)


def test_planned_functions_are_recorded_whatever_is_around_them(file: Path, tool: Tool) -> None:
    module = imported(tool, "monitored_module", "*.decorated=off")
    assert loader_of(module) is MonitoredLoader
    trace = inside(lambda: (module.work(1), module.Shop().buy(), module.other()))
    assert outline(trace) == ["work", "  inner", "buy", "  __price", "other"]


def test_a_generator_that_becomes_awaitable_is_recorded_too(file: Path, tool: Tool) -> None:
    """``types.coroutine`` gives it another code object."""
    module = imported(tool, "monitored_module", "*.decorated=off")

    async def work() -> None:
        await module.waits()

    assert outline(inside(work)) == ["waits", "  work", "    inner"]


def test_functions_beside_the_plan_have_no_probe(file: Path, tool: Tool) -> None:
    module = imported(tool, "monitored_module:other")
    assert monitored(module.other.__code__) is not None
    assert monitored(module.Shop.buy.__code__) is None
    assert loader_of(imported(tool, "monitored_module:none")) is SourceFileLoader


def test_a_module_with_a_function_that_is_recorded_deeper_is_transformed(file: Path, tool: Tool) -> None:
    module = imported(tool, "monitored_module", "monitored_module:other=lines", "*.decorated=off")
    assert loader_of(module) is ProbedLoader
    assert outline(inside(lambda: module.work(1))) == ["work", "  inner"]


def test_the_code_is_that_of_pycache(file: Path, tool: Tool) -> None:
    first = imported(tool, "monitored_module")
    assert Path(first.__cached__).exists()
    stamp = Path(first.__cached__).stat().st_mtime_ns
    assert imported(tool, "monitored_module").work.__code__ == first.work.__code__
    assert Path(first.__cached__).stat().st_mtime_ns == stamp


def test_a_warm_start_parses_nothing_until_the_source_changes(
    file: Path, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = CodeCache(str(tmp_path / "code"), "digest")
    imported(tool, "monitored_module", cache=cache)
    parsed: list[object] = []
    parse = ast.parse

    def noting(*args: Any, **options: Any) -> Any:
        parsed.append(args[1:])
        return parse(*args, **options)

    monkeypatch.setattr(ast, "parse", noting)
    module = imported(tool, "monitored_module", cache=cache)
    assert parsed == []
    assert outline(inside(module.other)) == ["other"]
    file.write_text(SOURCE + "\n\ndef added(): return [1]\n")
    module = imported(tool, "monitored_module", cache=cache)
    assert parsed == [(str(file),)]
    assert outline(inside(module.added)) == ["added"]


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_cache_is_made_anew(file: Path, tool: Tool, tmp_path: Path, content: bytes | None) -> None:
    cache = CodeCache(str(tmp_path / "code"), "digest")
    imported(tool, "monitored_module", cache=cache)
    (kept,) = Path(cache.folder).iterdir()
    kept.write_bytes(kept.read_bytes()[:-5] if content is None else content)
    assert outline(inside(imported(tool, "monitored_module", cache=cache).other)) == ["other"]


def test_what_cannot_be_compiled_fails_as_it_does_without_us(file: Path, tool: Tool) -> None:
    for source in ("def work(:", "\0", "def work(): return = 1"):
        file.write_text(source)
        with pytest.raises((SyntaxError, ValueError)):
            imported(tool, "monitored_module")


def test_a_fault_of_ours_leaves_the_module_as_it_is(
    file: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(loader_module, "mark", fails)
    monkeypatch.setattr(loader_module, "adopt", fails)
    with caplog.at_level(logging.ERROR, "scope"):
        assert imported(tool, "monitored_module").other() == [1]
    assert caplog.messages == ["scope: functions of monitored_module are not recorded"] * 2
