"""Runs one of the interpreter's own test files: ``python python_worker.py test_generators``.

With PROBED_MODULES set, the functions of the modules that it names are recorded. Writes the outcome of each test to
SUITE_OUTCOMES and what was recorded to SUITE_TOLD, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import unittest
from importlib import import_module
from pathlib import Path
from typing import Any


class Outcomes(unittest.TextTestResult):
    """The outcome of each test, by its id."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.outcomes: dict[str, str] = {}

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self.outcomes.setdefault(test.id(), "passed")

    def _note(self, test: Any, outcome: str) -> None:
        whole = getattr(test, "test_case", test)  # of a subtest
        self.outcomes[whole.id()] = outcome

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self._note(test, "failed")

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self._note(test, "failed")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failed")

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self._note(test, "skipped")

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self._note(test, "skipped")

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        self._note(test, "failed")


def main(name: str) -> None:
    everything: Any = import_module("everything").from_environment()
    if everything is not None:
        everything.begin()
    suite = unittest.defaultTestLoader.loadTestsFromName(f"test.{name}")
    result = unittest.TextTestRunner(resultclass=Outcomes, verbosity=2).run(suite)
    assert isinstance(result, Outcomes)
    told = everything.end() if everything is not None else {}
    Path(os.environ["SUITE_OUTCOMES"]).write_text(json.dumps(result.outcomes), encoding="utf-8")
    Path(os.environ["SUITE_TOLD"]).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
