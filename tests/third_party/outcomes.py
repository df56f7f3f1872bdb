"""A pytest plug-in that writes the outcome of each test to the file that SUITE_OUTCOMES names, as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_WORST = ("passed", "skipped", "failed")
_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test is as good as the worst of its setup, call and teardown; an expected failure counts as skipped."""
    known = _outcomes.get(report.nodeid, "passed")
    _outcomes[report.nodeid] = max(known, report.outcome, key=_WORST.index)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _outcomes[report.nodeid] = "failed"


def pytest_sessionfinish() -> None:
    Path(os.environ["SUITE_OUTCOMES"]).write_text(json.dumps(_outcomes), encoding="utf-8")
