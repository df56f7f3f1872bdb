"""Which spans share a line, and how the tree is led to."""

from __future__ import annotations

from typing import Any

from scope.model import Span, SpanKind
from scope.views.fold import FOLD_AT, nodes
from tests.unit.views.samples import DECLINED, make_span, make_trace


def names(*children: Span, **options: int) -> list[str]:
    """What a tree with ``children`` shows: count and name of every node."""
    trace = make_trace(make_span("root", 0, 100, *children))
    return [f"{placed.node.count} {placed.node.first.name}" for placed in nodes(trace, **options)]


def queries(count: int, **fields: Any) -> list[Span]:
    return [make_span("SELECT", number, 1, **fields) for number in range(count)]


def test_five_equal_neighbours_share_a_line_and_four_do_not() -> None:
    assert names(*queries(FOLD_AT)) == ["1 root", "5 SELECT"]
    assert names(*queries(FOLD_AT - 1)) == ["1 root", *["1 SELECT"] * 4]


def test_neighbours_of_another_name_kind_or_end_break_the_row() -> None:
    assert names(*queries(5), make_span("other", 5, 1), *queries(5)) == ["1 root", "5 SELECT", "1 other", "5 SELECT"]
    assert names(*queries(5), *queries(5, kind="DATABASE")) == ["1 root", "5 SELECT", "5 SELECT"]
    assert names(*queries(5), *queries(1, status="error")) == ["1 root", "5 SELECT", "1 SELECT"]


def test_nothing_is_folded_when_asked_so() -> None:
    assert names(*queries(6), fold_at=0) == ["1 root", *["1 SELECT"] * 6]


def test_below_a_fold_spans_are_grouped_wherever_they_stood() -> None:
    loads = [
        make_span("load", number, 1, make_span("hit", 0, 1), *([make_span("miss", 0, 1)] if number % 2 else []))
        for number in range(6)
    ]
    assert names(*loads) == ["1 root", "6 load", "6 hit", "3 miss"]


def test_a_failure_below_a_fold_is_seen() -> None:
    loads = [make_span("load", number, 1, make_span("query", 0, 1)) for number in range(5)]
    failing = make_span("load", 6, 1, make_span("query", 0, 1, status="error", exception=DECLINED))
    trace = make_trace(make_span("root", 0, 9, *loads, failing))
    found = [(placed.node.count, placed.node.first.name, placed.node.first.status) for placed in nodes(trace)]
    assert found == [(1, "root", "ok"), (6, "load", "ok"), (5, "query", "ok"), (1, "query", "error")]


def test_guides_lead_to_each_name() -> None:
    trace = make_trace(
        make_span("root", 0, 9, make_span("a", 0, 1, make_span("b", 0, 1, make_span("c", 0, 1))), make_span("d", 1, 1))
    )
    assert [placed.guide + placed.node.first.name for placed in nodes(trace)] == [
        "root",
        "├─ a",
        "│  └─ b",
        "│     └─ c",
        "└─ d",
    ]
    assert [placed.below for placed in nodes(trace)] == ["│  ", "│  │  ", "│     │  ", "│           ", "      "]


def test_short_spans_are_left_out_but_not_what_leads_to_long_ones() -> None:
    inner = make_span("thin", 0, 0.1, make_span("long", 0, 50), make_span("short", 0, 1))
    failed = make_span("failed", 0, 0.1, status="error")
    assert names(inner, make_span("short", 0, 1), failed, make_span("open", 0, None), shortest_ns=10_000_000) == [
        "1 root",
        "1 thin",
        "1 long",
        "1 failed",
        "1 open",
    ]


def test_a_fold_keeps_only_its_long_spans() -> None:
    spans = [make_span("SELECT", number, number) for number in range(8)]
    assert names(*spans, shortest_ns=5_000_000) == ["1 root", "3 SELECT"]


def test_everything_below_background_work_is_background() -> None:
    mail = make_span("mail", 5, 4, make_span("smtp", 6, 2), kind="BACKGROUND")
    trace = make_trace(make_span("root", 0, 5, make_span("handler", 0, 4), mail))
    found = {placed.node.first.name: placed.background for placed in nodes(trace)}
    assert found == {"root": False, "handler": False, "mail": True, "smtp": True}
    assert trace.root.children[1].kind is SpanKind.BACKGROUND


def test_a_deep_tree_is_walked_without_recursion_and_its_guides_stay_short() -> None:
    placed = list(nodes(make_trace(deep(3000))))
    assert len(placed) == 3000
    assert max(len(each.guide) for each in placed) <= 80
    assert placed[-1].guide.startswith("…2999")


def deep(levels: int) -> Span:
    span = make_span("leaf", 0, 1)
    for _ in range(levels - 1):
        span = make_span("level", 0, 1, span)
    return span
