from __future__ import annotations

from dataclasses import replace

import pytest

from load_tests.proof import Findings, Sent, check_answers, check_rows, check_trace
from scope.model import RequestSummary, Trace
from tests.unit.load_tests.traces import row, trace

SENT = {
    f"run-{number}": Sent(f"run-{number}", f"/products/{number}/price", number, 200, f"run-{number}", 40)
    for number in (1, 2, 3)
}


def problems(rows: list[RequestSummary]) -> list[str]:
    findings = Findings()
    check_rows(rows, SENT, findings)
    return sorted(findings.counts)


def tree_problems(tree: Trace) -> list[str]:
    findings = Findings()
    check_trace(tree, SENT["run-2"], findings)
    return sorted(findings.counts)


def test_a_store_that_holds_what_was_sent_is_right() -> None:
    findings = Findings()
    assert check_rows([row(1), row(2), row(3)], SENT, findings) == 3
    check_trace(trace(2), SENT["run-2"], findings)
    check_answers(SENT, findings)
    assert findings.lines() == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"state": "open"}, "state is 'open', not 'done'"),
        ({"complete": False}, "complete is False, not True"),
        ({"lost": 2}, "lost is 2, not 0"),
        ({"method": "POST"}, "method is 'POST', not 'GET'"),
        ({"path": "/products/3/price"}, "path is '/products/3/price', not '/products/2/price'"),
        ({"route": None}, "route is None, not '/products/{product_id}/price'"),
        ({"status": None}, "status is None, not 200"),
        ({"error": "KeyError"}, "error is 'KeyError', not None"),
        ({"bytes_out": 41}, "bytes_out is 41, not 40"),
        ({"spans": 4}, "requests of different size"),
        ({"spans": 2}, "requests of different size"),
        ({"trace_id": f"{1:032x}"}, "trace id shared by requests"),
    ],
)
def test_one_wrong_field_of_one_request_is_found(change: dict[str, object], problem: str) -> None:
    assert problem in problems([row(1), replace(row(2), **change), row(3)])  # type: ignore[arg-type]


def test_missing_double_and_foreign_requests_are_found() -> None:
    assert problems([row(1), row(1), row(2), replace(row(3), id="run-9")]) == [
        "not stored",
        "stored more than once",
        "stored, but never sent",
        "trace id shared by requests",
    ]


def test_trees_without_a_step_and_a_function_are_too_small() -> None:
    assert problems([replace(row(number), spans=2) for number in (1, 2, 3)]) == ["too few spans"]


def test_another_requests_attribute_is_found() -> None:
    assert tree_problems(replace(trace(2), root=replace(trace(3).root, span_id=f"{2:016x}"))) == [
        "another request's attribute"
    ]


def test_a_step_without_its_function_is_found() -> None:
    root = trace(2).root
    bare = replace(root, children=(replace(root.children[0], children=()),))
    assert tree_problems(replace(trace(2), root=bare)) == ["0 calls of line_total_cents within 'price basket'"]


def test_a_root_with_a_parent_and_a_span_without_end_are_found() -> None:
    root = replace(trace(2).root, parent_id="a" * 16, duration_ns=None)
    assert tree_problems(replace(trace(2), root=root)) == [
        "a root that is not the request's",
        "a span without a good end",
    ]


def test_an_answer_that_failed_or_bears_another_id_is_found() -> None:
    findings = Findings()
    check_answers({"run-1": replace(SENT["run-1"], status=500, answered_id="run-2")}, findings)
    assert findings.lines() == ["1 x answered 500: run-1", "1 x another id in the answer: run-1 got 'run-2'"]
