"""Snapshots of all drawings; ``python -m tests.unit.views.golden`` writes them anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scope.model import LeftOut
from scope.views.lines import cell_width, line_width, plain
from scope.views.markdown import markdown_lines
from scope.views.tree import tree_lines
from scope.views.waterfall import waterfall_lines
from tests.unit.views.golden import FOLDER, drawings
from tests.unit.views.samples import SAMPLES, make_span, make_trace


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_a_drawing_is_as_accepted(name: str) -> None:
    assert drawings().get(name) == FOLDER.joinpath(name).read_text(encoding="utf-8")


def test_every_drawing_has_been_accepted() -> None:
    assert drawings().keys() == {path.name for path in FOLDER.iterdir()}


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_waterfall_is_no_wider_than_its_terminal(name: str, width: int) -> None:
    assert max(line_width(line) for line in waterfall_lines(SAMPLES[name](), width=width)) <= width


@pytest.mark.parametrize("name", [name for name in sorted(drawings()) if name.endswith("-80.txt") and "water" in name])
def test_eighty_columns_are_enough(name: str) -> None:
    assert max(map(cell_width, drawings()[name].splitlines())) <= 80


def test_unfolded_each_span_has_its_line() -> None:
    trace = SAMPLES["checkout"]()
    spans = len(list(trace.spans()))
    assert len(list(waterfall_lines(trace, fold_at=0))) == spans + 2  # the axis and the rule
    assert len(list(tree_lines(trace))) < len(list(tree_lines(trace, fold_at=0)))


def test_short_spans_are_left_out_on_request() -> None:
    text = "\n".join(
        "".join(piece.text for piece in line) for line in tree_lines(SAMPLES["checkout"](), shortest_ns=10**8)
    )
    assert "render" not in text
    assert "POST payments/charges" in text


def test_what_is_left_out_is_said_where_it_would_stand() -> None:
    loop = make_span("loop", 0, 9, make_span("a", 1, 2), spans_left_out=3, marks_left_out=2)
    trace = replace(make_trace(make_span("GET", 0, 9, loop)), left_out=LeftOut(spans=3, marks=2))
    assert [plain(line) for line in tree_lines(trace)][2:4] == [
        " 0 ns      9 ms  └─ loop  … 3 more spans below, not shown",
        "                    │  ◆ … 2 more marks, not shown",
    ]
    assert any("… 3 more spans below, not shown" in plain(line) for line in waterfall_lines(trace))
    assert "| without | `not shown: 3 spans, 2 marks:" in "\n".join(markdown_lines(trace))


def test_equal_neighbours_on_one_line_sum_up_what_is_left_out_below_them() -> None:
    equal = [make_span("load", at, 1, spans_left_out=2) for at in range(5)]
    (text,) = [plain(line) for line in tree_lines(make_trace(make_span("GET", 0, 9, *equal))) if "load" in plain(line)]
    assert "×5 load  … 10 more spans below, not shown" in text
