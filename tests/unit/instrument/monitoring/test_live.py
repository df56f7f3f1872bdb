"""Functions of modules that are imported already: recorded by the interpreter's events for good, or for a while."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scope.instrument.monitoring.live import Live
from scope.instrument.monitoring.tool import Tool
from scope.instrument.plan import Plan, Rule
from scope.instrument.transform import in_place
from tests.unit.core.inside import inside, outline
from tests.unit.instrument.early import imported

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = """
def work(x):
    return [x]

def makes(step):
    def inner(x): return [x + step]
    return inner
early = makes(1)

def running():
    yield work(1)
    yield work(2)
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Any]:
    """A module that was imported without us."""
    with imported(tmp_path, SOURCE) as module:
        yield module


def plan(*rules: str) -> Plan:
    return Plan(tuple(map(Rule.parse, rules)))


def record(tool: Tool, module: Any, *rules: str) -> Live:
    """For good."""
    live = Live(tool)
    live.record(live.prepare(plan(*rules), [module]))
    return live


def exchange(live: Live, module: Any, *rules: str, base: tuple[str, ...] = ()) -> None:
    """For a while."""
    live.exchange(live.prepare(plan(*rules), [module]) if rules else [], plan(*base))


def test_live_functions_and_those_made_later_are_recorded(module: Any, tool: Tool) -> None:
    record(tool, module, "early_module")
    assert outline(inside(lambda: (module.work(1), module.early(1), module.makes(2)(1)))) == [
        "work", "inner", "makes", "inner",
    ]  # fmt: skip


def test_what_is_asked_for_no_longer_is_as_it_was_before(module: Any, tool: Tool) -> None:
    live = record(tool, module, "early_module:work")

    def calls() -> list[str]:
        return outline(inside(lambda: (module.work(1), module.early(1))))

    for _ in range(2):
        exchange(live, module, "early_module", "early_module:work=off")
        assert calls() == ["inner"]
        exchange(live, module, "early_module")
        assert calls() == ["work", "inner"]
        exchange(live, module)
        assert calls() == ["work"]


def test_a_generator_that_is_switched_off_meanwhile_ends(module: Any, tool: Tool) -> None:
    live = Live(tool)
    exchange(live, module, "early_module:running")

    def work() -> None:
        generator = module.running()
        next(generator)
        exchange(live, module)
        list(generator)

    trace = inside(work)
    assert outline(trace) == ["running"]
    assert [span.status for _, span in trace.spans()] == ["ok", "ok"]


def test_functions_whose_source_has_changed_are_left_alone(
    module: Any, tool: Tool, caplog: pytest.LogCaptureFixture
) -> None:
    Path(module.__file__).write_text(SOURCE.replace("return [x]\n\ndef makes", "return (x,)\n\ndef makes"))
    with caplog.at_level(logging.WARNING, "scope"):
        record(tool, module, "early_module")
    assert caplog.messages == ["scope: not recorded: early_module.work: its source has changed since it was imported"]
    assert outline(inside(lambda: (module.work(1), module.early(1)))) == ["inner"]


@pytest.mark.parametrize("source", ["def work(:", None])
def test_a_source_that_is_gone_or_wrong_is_said(
    module: Any, tool: Tool, source: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(module.__file__)
    path.unlink()
    if source is not None:
        path.write_text(source)
    with caplog.at_level(logging.WARNING, "scope"):
        record(tool, module, "early_module")
    assert caplog.messages[0].startswith("scope: functions of early_module are not recorded: ")
    assert outline(inside(lambda: module.work(1))) == []


def test_deeper_levels_are_for_transformed_code_and_come_back(module: Any, tool: Tool) -> None:
    """While the module is transformed nothing of it is recorded here."""
    live = record(tool, module, "early_module")
    deep = plan("early_module", "early_module:work=lines", "early_module:makes=off")
    (wanted,) = live.prepare(deep, [module])
    assert wanted.is_too_deep
    exchanged = in_place.prepare(deep, module)
    assert exchanged is not None
    live.exchange([wanted], plan("early_module"))
    in_place.apply([(module, exchanged)])
    assert outline(inside(lambda: (module.work(1), module.early(1)))) == ["work"]
    in_place.undo([exchanged])
    exchange(live, module, base=("early_module",))
    assert outline(inside(lambda: (module.work(1), module.early(1)))) == ["work", "inner"]
    exchange(live, module)
    assert outline(inside(lambda: (module.work(1), module.early(1)))) == ["work", "inner"]
