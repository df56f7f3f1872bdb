"""Functions of running workers are recorded for a while, without a restart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scope.model import RequestSummary, SpanKind
from tests.support.servers import Server, scope, server
from tests.support.stored import listed, trace_of
from tests.support.waiting import eventually

RUN = [sys.executable, "-m", "scope", "run", "--"]
FUNCTION = "read_item"


def recording(running: Server, number: int) -> set[bool]:
    """Whether the function was recorded, in each of some requests that reach all workers."""
    ids = [f"id-{number}-{each}" for each in range(24)]
    for each in ids:
        running.get("/items/1", each)
    eventually(lambda: {each.id for each in listed() if each.state == "done"} >= set(ids))
    return {FUNCTION in functions(each) for each in listed() if each.id in ids}


def functions(request: RequestSummary) -> set[str]:
    return {span.name for _, span in trace_of(request).spans() if span.kind is SpanKind.FUNCTION}


@pytest.mark.slow
def test_every_worker_records_a_function_while_it_is_asked_for(tmp_path: Path) -> None:
    settings = {"SCOPE_PROBES_OWN": "false"}
    with server(tmp_path, "tests.support.unprepared:fastapi", workers=4, prefix=RUN, settings=settings) as running:
        numbers = iter(range(1000))
        assert recording(running, next(numbers)) == {False}
        assert "=timing" in scope("probe", f"tests.support.unprepared:{FUNCTION}", "--for", "10min")
        eventually(lambda: recording(running, next(numbers)) == {True})
        scope("probe", "--stop")
        eventually(lambda: recording(running, next(numbers)) == {False})
        running.stop()
