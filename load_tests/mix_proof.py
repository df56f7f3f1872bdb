"""Compares what a store holds of the mix with what its visitors saw."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from .report import NO_ANSWER
from .stack import SHOP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scope.model import RequestSummary

    from .proof import Findings
    from .report import Sample


def check_mix(rows: Iterable[RequestSummary], samples: Sequence[Sample], findings: Findings) -> int:
    """Each answered request is stored once, whole, with the status that its sender saw; how many of them are.

    The payments service gets the ids of the shop's requests handed on, so only the shop's own requests are compared. A
    request without an answer may never have reached the shop.
    """
    stored: defaultdict[str, list[RequestSummary]] = defaultdict(list)
    for row in rows:
        if row.service == SHOP:
            stored[row.id].append(row)
    good = 0
    for sample in samples:
        before = findings.counts.total()
        _check(sample, stored[sample.id], findings)
        good += sample.status != NO_ANSWER and findings.counts.total() == before
    return good


def _check(sample: Sample, rows: Sequence[RequestSummary], findings: Findings) -> None:
    if len(rows) > 1:
        findings.note("stored more than once", sample.id)
    for row in rows:
        if row.state != "done" or not row.complete:
            findings.note("not whole", f"{sample.action} {sample.id}")
        if sample.status not in (NO_ANSWER, row.status):
            findings.note(f"answered {sample.status}, stored as {row.status}", f"{sample.action} {sample.id}")
    if not rows and sample.status != NO_ANSWER:
        findings.note("not stored", f"{sample.action} {sample.id}")
