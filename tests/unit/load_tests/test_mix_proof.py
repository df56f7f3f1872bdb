from __future__ import annotations

from dataclasses import replace

import pytest

from load_tests.mix_proof import check_mix
from load_tests.proof import Findings
from load_tests.report import NO_ANSWER, Sample
from scope.model import RequestSummary
from tests.unit.load_tests.traces import row


def sample(number: int, status: int = 200) -> Sample:
    return Sample(f"run-{number}", "price", status, True, 0, 1)


def problems(rows: list[RequestSummary], *samples: Sample) -> list[str]:
    findings = Findings()
    check_mix(rows, samples, findings)
    return sorted(findings.counts)


def test_what_was_answered_and_is_stored_alike_is_right() -> None:
    findings = Findings()
    assert check_mix([row(1), row(2)], [sample(1), sample(2)], findings) == 2
    assert findings.lines() == []


def test_the_same_id_at_the_payments_service_is_another_request() -> None:
    assert problems([row(1), replace(row(1), service="payments", status=402)], sample(1)) == []


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], "not stored"),
        ([row(1), row(1)], "stored more than once"),
        ([replace(row(1), status=500)], "answered 200, stored as 500"),
        ([replace(row(1), complete=False)], "not whole"),
        ([replace(row(1), state="aborted")], "not whole"),
    ],
    ids=["missing", "double", "status", "incomplete", "aborted"],
)
def test_what_differs_is_found(rows: list[RequestSummary], problem: str) -> None:
    assert problems(rows, sample(1)) == [problem]


def test_a_request_without_an_answer_may_or_may_not_be_stored() -> None:
    findings = Findings()
    assert check_mix([row(1)], [sample(1, NO_ANSWER), sample(2, NO_ANSWER)], findings) == 0
    assert findings.lines() == []
