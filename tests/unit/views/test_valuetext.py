"""What was captured of a call, in a line of the tree and in full."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scope.model import CallValues, Instance, LineRun, Locals, Part
from scope.views.jsonout import span_object
from scope.views.lines import plain
from scope.views.markdown import markdown_lines
from scope.views.tree import tree_lines
from scope.views.valuetext import call_text, value_lines
from tests.unit.views.samples import make_span, make_trace

CALL = CallValues(
    arguments={"basket": Instance("Basket", {"items": Part((1, 2), 900)}, is_part=True), "code": "X"},
    result=12.5,
    has_result=True,
    yielded=(1, "b"),
    locals=(
        Locals(5, 14, {"total": 3}, left_out=2),
        Locals(6, 0, {"total": 4}),
        Locals(7, 0, {"total": 5}, at_error=True),
    ),
    lines=(LineRun(14, 1, 1500), LineRun(15, 3, 2_000_000)),
    left_out=1,
)
SPAN = replace(make_span("price", 0, 10), values=CALL)


def test_a_call_is_told_in_brief() -> None:
    assert call_text(CALL) == ("(basket=Basket(items=[1, 2, … 8…, code=X)", "→ 12.5")
    assert call_text(CALL, 9) == ("(basket=Basket(i…, code=X)", "→ 12.5")
    assert call_text(CallValues()) == ("", "")
    assert call_text(CallValues(arguments={}, has_result=True)) == ("()", "→ null")


def test_everything_is_told_in_full() -> None:
    assert list(value_lines(SPAN)) == [
        "basket = Basket(items=[1, 2, … 898 more], …)",
        "code = X",
        "… 1 more arguments",
        "yielded 1",
        "yielded b",
        "→ 12.5",
        "local variables before line 14:",
        "  total = 3",
        "  … 2 more",
        "local variables at the end:",
        "  total = 4",
        "local variables as the exception left:",
        "  total = 5",
        "line 14: 1.5 µs",
        "line 15: 2 ms in 3 runs",
    ]


def test_the_tree_and_markdown_show_it() -> None:
    trace = make_trace(SPAN)
    tree = "\n".join(plain(line) for line in tree_lines(trace))
    assert "price(basket=Basket(items=[1, 2, … 8…, code=X) → 12.5" in tree
    text = "\n".join(markdown_lines(trace))
    assert "## `price`" in text
    assert "line 15: 2 ms in 3 runs" in text


def test_json_has_all_of_it() -> None:
    values = span_object(SPAN)["values"]
    assert values["arguments"]["basket"] == {
        "$instance": "Basket",
        "attributes": {"items": {"$part": [1, 2], "length": 900}},
        "part": True,
    }
    assert (values["result"], values["yielded"], values["left_out"]) == (12.5, [1, "b"], 1)
    assert values["locals"][0] == {"time_ns": 5, "line": 14, "values": {"total": 3}, "at_error": False, "left_out": 2}
    assert values["lines"][1] == {"line": 15, "count": 3, "duration_ns": 2_000_000}
    assert "values" not in span_object(make_span("price", 0, 10))
    assert "result" not in span_object(replace(SPAN, values=CallValues()))["values"]


@pytest.mark.parametrize("items", [(), {}])
def test_a_part_of_which_nothing_is_left_says_how_much_it_was(items: tuple[int, ...]) -> None:
    values = CallValues(arguments={"rows": Part(items, 9)})
    assert call_text(values)[0] in {"(rows=[… 9 more])", "(rows={… 9 more})"}
