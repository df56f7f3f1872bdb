"""Snapshots of all drawings; ``python -m tests.unit.views.golden`` writes them anew."""

from __future__ import annotations

import pytest

from scope.views.lines import cell_width, line_width
from scope.views.tree import tree_lines
from scope.views.waterfall import waterfall_lines
from tests.unit.views.golden import FOLDER, drawings
from tests.unit.views.samples import SAMPLES


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
