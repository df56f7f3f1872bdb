"""The page on troubleshooting speaks of what can really be seen."""

from __future__ import annotations

import re
import time
from pathlib import Path

import scope
from scope._core import LOSS_REASONS
from scope.config import load
from scope.views.health import diagnose
from tests.unit.docs.pages import code_of, page, rows

PAGE = page("how-to/troubleshooting.md")
PACKAGE = Path(scope.__file__).parent


def source() -> str:
    """All text that the package may say, strings that were broken over lines joined."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py")))
    return re.sub(r'"\s*f?"', "", text)


def test_every_check_of_the_doctor_is_there() -> None:
    listed = [code_of(cells[0]) for cells in rows(PAGE.section("## What the doctor says"))]
    checks = [check.name for check in diagnose(load(), time.time_ns())]
    assert list(dict.fromkeys(listed)) == checks


def test_every_reason_of_loss_is_there() -> None:
    listed = [code_of(cells[0]) for cells in rows(PAGE.section("## Events were lost"))]
    assert tuple(listed) == LOSS_REASONS


def test_messages_are_those_of_the_source() -> None:
    doctor = [cells[1] for cells in rows(PAGE.section("## What the doctor says"))]
    refused = [cells[0] for cells in rows(PAGE.section("## A command is refused"))]
    quoted = [quote for cell in (*doctor, *refused) for quote in re.findall(r"`([^`]+)`", cell) if " " in quote]
    assert len(quoted) > 10
    told = source()
    assert [quote for quote in quoted if quote.removesuffix(" SCOPE_...") not in told] == []
