"""Names and places, written once for all records that name them."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest

from scope import _core, span
from scope.model import DefinitionKind
from scope.wire.segment import SegmentFile
from tests.unit.core.inside import serve
from tests.unit.core.session.sessions import SMALL, definitions, session_at, step

pytestmark = pytest.mark.usefixtures("no_integrations")


def test_a_name_is_defined_once_however_often_it_is_used(path: Path) -> None:
    def work() -> None:
        for _ in range(5):
            with span("repeated"):
                pass

    with session_at(path):
        asyncio.run(serve(work))
        named = [each.name for each in definitions(path)]
    assert named.count("repeated") == 1


def test_a_function_is_placed_by_its_code(path: Path) -> None:
    with session_at(path):
        asyncio.run(serve(step))
        (found,) = (each for each in definitions(path) if each.kind is DefinitionKind.CODE)
    line = inspect.unwrap(step).__code__.co_firstlineno
    assert (found.name, found.module, found.line) == ("step", step.__module__, line)
    assert found.file.endswith("sessions.py")


def test_names_go_into_the_records_where_definitions_are_full(path: Path) -> None:
    names = [f"a rather long name of a span, number {number}" for number in range(200)]

    def work() -> None:
        for name in names:
            with span(name):
                pass

    with session_at(path, **{**SMALL, "first_lane_bytes": 65536}):
        asyncio.run(serve(work))
        reader = _core.Segment(str(path))
        assert reader.losses()["definitions_full"] > 0
        reader.close()
        defined = [each.name for each in definitions(path)]
        with SegmentFile(path) as segment:
            spans = [event for event in segment.read(0).events() if event.type.name == "SPAN_BEGIN"]
    assert [event.payload["name"] or defined[event.site - 1] for event in spans] == names
