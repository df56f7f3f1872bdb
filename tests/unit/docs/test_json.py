"""The page on JSON lists the fields that are printed, all of them and in their order."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest

from scope.instrument.analyse import Measured, MeasuredFunction, analyse, corrected
from scope.model import (
    AsyncTask,
    CallValues,
    ExceptionInfo,
    Frame,
    ProcessEvent,
    RequestSummary,
    SpanKind,
    State,
    Step,
)
from scope.store import JSON_FIELDS, ErrorGroup, RouteStats, SegmentLosses, SliceInfo, StoreInfo, Worker, lookup
from scope.views.asked import Asked
from scope.views.blame import Blame, OutsideTheft, Theft
from scope.views.culprits import Culprit
from scope.views.diff import diff_traces
from scope.views.difftext import diff_object
from scope.views.findings import analysis_object
from scope.views.health import Check
from scope.views.jsonout import blame_object, span_object, trace_object
from scope.views.workers import worker_objects
from tests.unit.docs.pages import code_of, page, rows
from tests.unit.views.samples import START_NS, make_span, make_trace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from _typeshed import DataclassInstance

PAGE = page("reference/json.md")

TYPES: Mapping[object, str] = {
    int: "number",
    float: "number",
    str: "string",
    bool: "true or false",
    int | None: "number or null",
    str | None: "string or null",
}


def table(section: str, after: str = "") -> list[list[str]]:
    """Rows of the first table of ``section``, or of the first one ``after`` a line of it."""
    text = PAGE.section(section)
    text = text[text.index(after) :]
    return rows(re.search(r"^\|.*?(?=^$|\Z)", text, re.MULTILINE | re.DOTALL)[0])  # type: ignore[index]


def names(table: list[list[str]]) -> list[str]:
    return [code_of(cells[0]) for cells in table]


def names_of(kind: type[DataclassInstance]) -> list[str]:
    return [field.name for field in fields(kind)]


def test_requests_have_the_fields_of_the_list() -> None:
    assert tuple(names(table("## Requests"))) == JSON_FIELDS
    assert tuple(names_of(RequestSummary)) == JSON_FIELDS


def test_requests_have_fields_of_the_types_of_the_list() -> None:
    hints = get_type_hints(RequestSummary)
    assert {code_of(cells[0]): cells[1] for cells in table("## Requests")} == {
        name: TYPES[hints[name]] for name in JSON_FIELDS
    }


@pytest.mark.parametrize("field", ["kind", "state", "outcome"])
def test_choices_are_all_named(field: str) -> None:
    (meaning,) = [cells[2] for cells in table("## Requests") if cells[0] == f"`{field}`"]
    known = lookup(field)
    assert known is not None
    assert re.findall(r"`(\w+)`", meaning) == list(known.choices)


def test_spans_have_the_fields_of_the_list() -> None:
    assert names(table("## Traces")) == [*span_object(make_span("a", 0, 1)), "depth"]


def test_states_have_the_fields_of_the_list() -> None:
    step = Step("MainThread", START_NS, START_NS, START_NS + 1)
    whole = replace(make_trace(make_span("a", 0, 1)), steps=(step,))
    assert names(table("## Traces", "A state:")) == [*trace_object(whole)["states"][0]]


def test_what_is_told_of_the_loop_has_the_fields_of_the_list() -> None:
    request = make_trace(make_span("a", 0, 1)).request
    theft = Theft(request, request, "f", 1)
    outside = OutsideTheft(ProcessEvent("step", 1, "shop", START_NS), 1)
    made = blame_object(Blame(1, (theft,), (outside,), 1, (theft,)))
    listed = table("## Traces", "`loop` is an object")
    assert names(listed) == [*made]
    meanings = {code_of(cells[0]): cells[2] for cells in listed}
    assert re.findall(r"`(\w+)`", meanings["stolen"]) == [*made["stolen"][0]]
    assert [each for each in re.findall(r"`(\w+)`", meanings["outside"]) if each not in {"step", "gc"}] == [
        *made["outside"][0]
    ]


def test_states_are_all_named() -> None:
    (meaning,) = [cells[2] for cells in table("## Traces", "A state:") if cells[0] == "`state`"]
    assert re.findall(r"`(\w+)`", meaning) == [state.value for state in State]


def test_tasks_have_the_fields_of_the_list() -> None:
    assert names(table("## Traces", "A task:")) == names_of(AsyncTask)


def test_kinds_of_spans_are_all_named() -> None:
    (line,) = re.findall(r"^Kinds: (.+?)\n\n", PAGE.section("## Traces"), re.MULTILINE | re.DOTALL)
    # The last one is a call and no kind.
    assert set(re.findall(r"`(\w+)`", line)) == {kind.name.lower() for kind in SpanKind}


def test_exceptions_and_frames_have_the_fields_of_the_list() -> None:
    listed = table("## Traces", "An `exception`")
    assert names(listed) == names_of(ExceptionInfo)
    (frames,) = [cells[2] for cells in listed if cells[0] == "`frames`"]
    assert re.findall(r"`(\w+)`", frames) == names_of(Frame)


def test_values_without_a_form_are_shown_as_they_are_written() -> None:
    shown = [json.loads(name) for name in names(table("## Traces", "Values of attributes"))]
    assert [next(iter(each)) for each in shown] == [
        "$redacted",
        "$cut",
        "$object",
        "$part",
        "$instance",
        "$bytes",
        "$float",
    ]


def test_values_of_calls_have_the_fields_of_the_list() -> None:
    values = CallValues(result=1, has_result=True)
    written = trace_object(make_trace(replace(make_span("a", 0, 1), values=values)))["spans"][0]["values"]
    listed = table("## Traces", "A span of a function whose [values]")
    assert names(listed) == [*written] == [name for name in names_of(CallValues) if name != "has_result"]


@pytest.mark.parametrize(
    ("section", "after", "kind"),
    [
        ("## Routes", "", RouteStats),
        ("## Errors", "", ErrorGroup),
        ("## Probes", "", Asked),
        ("## Loops", "", Culprit),
        ("## Health", "", Check),
        ("## Health", "`db info --json`", StoreInfo),
    ],
)
def test_other_objects_have_the_fields_of_the_list(section: str, after: str, kind: type[DataclassInstance]) -> None:
    assert names(table(section, after)) == names_of(kind)


def test_processes_have_the_fields_of_the_list() -> None:
    [shown] = worker_objects([Worker(1, "shop", "web-1", 0, "running", None, None, 0, 0, 0, 0, 0)])
    assert names(table("## Processes")) == [*shown]


def test_places_of_a_difference_have_the_fields_of_the_list() -> None:
    trace = make_trace(make_span("a", 0, 1))
    [place] = diff_object(diff_traces(trace, trace))["places"]
    assert names(table("## Differences")) == [*place]
    (sides,) = [cells[2] for cells in table("## Differences") if cells[0] == "`a`"]
    assert re.findall(r"`(\w+)`", sides) == [*place["a"]]


def test_slices_and_processes_have_the_fields_of_the_list() -> None:
    meanings = {cells[0]: cells[2] for cells in table("## Health", "`db info --json`")}
    assert re.findall(r"`(\w+)`", meanings["`slices`"]) == names_of(SliceInfo)
    assert re.findall(r"`(\w+)`", meanings["`segments`"]) == names_of(SegmentLosses)


@pytest.fixture
def planned(tmp_path: Path) -> dict[str, Any]:
    """A plan of one route with one finding, measured."""
    source = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def f():\n    open('x')\n"
    (tmp_path / "main.py").write_text(source)
    analysis = analyse(tmp_path)
    measured = Measured(1, 1, {"main.f": MeasuredFunction(1, 1, 1, 1, "a", 1, "a")}, {("GET", "/"): 1})
    return analysis_object(corrected(analysis, measured))


def test_plans_have_the_fields_of_the_list(planned: dict[str, Any]) -> None:
    assert names(table("## Plan")) == [*planned["findings"][0]]
    assert names(table("## Plan", "What is proposed")) == [*planned["plan"][0]]
    assert names(table("## Plan", "`measured` has")) == [*planned["measured"]["functions"][0]]
    (cost,) = [cells[2] for cells in table("## Plan") if cells[0] == "`cost`"]
    assert re.findall(r"`(\w+)`", cost) == [*planned["findings"][0]["cost"]]
