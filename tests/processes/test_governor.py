"""A server whose tracing costs too much leaves out what costs most, and its traces say so."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scope.model import SpanKind
from tests.support.servers import Server, scope, server
from tests.support.stored import listed, trace_of
from tests.support.waiting import eventually

RUN = [sys.executable, "-m", "scope", "run", "--"]
SHEDDING = 3
LEAF = "load_tests.governor.app.price"


def newest(running: Server, id: str) -> Mapping[str, Any]:
    """What the trace of one more request says that it is without; empty where it says nothing."""
    running.get("/stock", id)
    eventually(lambda: any(each.id == id and each.state == "done" for each in listed()))
    (request,) = (each for each in listed() if each.id == id)
    shed = trace_of(request).root.attributes.get("scope.shed", {})
    assert isinstance(shed, Mapping)
    return shed


@pytest.mark.slow
def test_functions_that_cost_too_much_are_taken_out_and_the_trace_names_them(tmp_path: Path) -> None:
    with server(tmp_path, "load_tests.governor.app:app", prefix=RUN) as running:
        ids = (f"id-{number}" for number in range(10_000))
        eventually(lambda: LEAF in newest(running, next(ids)).get("functions", ()))
        shed = newest(running, last := next(ids))
        assert shed["level"] >= SHEDDING
        assert shed["taken_out"] >= 1
        assert "% of the CPU of its process" in str(shed["because"])
        (request,) = (each for each in listed() if each.id == last)
        assert request.complete
        assert request.status == 200
        assert request.tracing_ns > 0
        names = {span.name for _, span in trace_of(request).spans() if span.kind is SpanKind.FUNCTION}
        assert not any(name.endswith("price") for name in names)
        assert "traces leave out functions" in scope("doctor")
        assert f"process {request.pid}: traces leave out" in (tmp_path / "scope" / "collector.log").read_text()
        running.stop()
