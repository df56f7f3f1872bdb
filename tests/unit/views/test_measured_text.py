"""What traces told of a finding, in words."""

from __future__ import annotations

import pytest

from scope.instrument.analyse import Cost
from scope.views.measured_text import cost_text


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(3, 302_000_000, "held the loop", "a"), "held the loop 302 ms, id a"),
        (Cost(3, 0, "", "a"), "called in id a"),
        (Cost(3, 0, "held the loop", ""), "called"),
        (Cost(0, 0, "", ""), "never called"),
    ],
)
def test_a_cost_names_the_request_to_look_at(cost: Cost, text: str) -> None:
    assert cost_text(cost) == text
