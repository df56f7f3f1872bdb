"""``scope db``."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scope.store import Reader, StoreInfo, Writer

if TYPE_CHECKING:
    from tests.unit.views.cli.conftest import Scope, Traced


def test_info_tells_what_is_kept(scope: Scope) -> None:
    text = scope("db", "info").stdout
    assert re.search(r"of 1 GiB, kept for 7 d, schema \d", text)
    assert "8 requests, 1 open, of 1 processes" in text


def test_info_for_programs(scope: Scope) -> None:
    made = json.loads(scope("db", "info", "--json").stdout)
    assert made["requests"] == 8
    assert made["slices"][0]["requests"] == 8


def test_info_of_an_empty_store_has_no_slices(scope: Scope, idle: Path) -> None:
    assert len(scope("--dir", str(idle), "db", "info").stdout.splitlines()) == 2


def test_gc_keeps_the_newest_slice_and_says_what_it_did(scope: Scope, traced: Traced, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(traced.directory, own)
    result = scope("--dir", str(own), "db", "gc", "--older-than", "1s")
    assert result.exit_code == 0
    assert "0 slices removed" in result.stderr
    assert json.loads(scope("--dir", str(own), "db", "info", "--json").stdout)["requests"] == 8


def test_gc_removes_by_the_age_that_is_given(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    ages = []

    def retain(self: Writer, now_ns: int) -> int:
        ages.append(self._config.retention_age_s)
        return 1 if len(ages) == 1 else 0

    whole = Reader.info

    def shrinking(self: Reader) -> StoreInfo:
        found = whole(self)
        return replace(found, bytes=found.bytes - 1024 * len(ages), slices=found.slices[len(ages) :])

    monkeypatch.setattr(Writer, "retain", retain)
    monkeypatch.setattr(Reader, "info", shrinking)
    result = scope("db", "gc", "--older-than", "2d")
    assert ages == [172_800, 172_800]
    assert "1 slices removed, 2 KiB freed" in result.stderr


def test_gc_while_a_collector_writes_says_so(scope: Scope, traced_store: Path) -> None:
    from scope.config import load

    with Writer(traced_store, load().store):
        result = scope("db", "gc")
    assert result.exit_code == 1
    assert "another collector writes" in result.stderr


@pytest.mark.parametrize("age", ["2", "soon"])
def test_an_age_needs_a_unit(scope: Scope, age: str) -> None:
    assert scope("db", "gc", "--older-than", age).exit_code == 2
