"""Compiled code of Plans that nobody uses any more does not stay for good."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from scope.collector.code_folders import KEPT_S, prune_code
from scope.collector.collector import Collector
from scope.instrument.transform.cache import CodeCache
from tests.unit.collector.kit import settings

KEY = ("shop", "shop.py", 1, 2)
CODE = compile("1", "shop.py", "exec")


@pytest.fixture(autouse=True)
def _compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a Plan, with a module in it and what a killed process left, not used for long."""
    return aged(used(tmp_path))


def used(root: Path) -> Path:
    cache = CodeCache(str(root), "0123456789abcdef")
    cache.put(KEY, CODE)
    folder = Path(cache.folder)
    (folder / "left.code.123").write_bytes(b"x")
    return folder


def aged(folder: Path) -> Path:
    os.utime(folder, (0, time.time() - KEPT_S - 60))
    return folder


def test_a_folder_that_was_not_used_for_days_is_removed(tmp_path: Path, folder: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    prune_code(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["fresh"]
    assert not folder.exists()


def test_one_that_a_process_began_with_stays(tmp_path: Path, folder: Path) -> None:
    CodeCache(str(tmp_path), "0123456789abcdef")
    prune_code(str(tmp_path))
    assert folder.exists()


def test_a_process_whose_folder_was_removed_makes_it_again(tmp_path: Path) -> None:
    cache = CodeCache(str(tmp_path), "0123456789abcdef")
    cache.put(KEY, CODE)
    prune_code(str(tmp_path), lambda: time.time() + 2 * KEPT_S)
    assert cache.get(KEY) is None
    cache.put(KEY, CODE)
    assert cache.get(KEY) is not None


def test_links_and_files_are_left_alone(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "code", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "link").symlink_to(elsewhere)
    (root / "file").write_text("")
    for path in (root / "file", elsewhere):
        os.utime(path, (0, 0))
    prune_code(str(root))
    assert sorted(path.name for path in root.iterdir()) == ["file", "link"]
    assert elsewhere.exists()


def test_where_nothing_was_compiled_nothing_happens(tmp_path: Path) -> None:
    prune_code(str(tmp_path / "missing"))


def test_the_collector_looks_after_it(collector: Collector) -> None:
    root = Path(settings().code_dir)
    root.mkdir(parents=True)
    folder = aged(used(root))
    collector.cycle()
    assert not folder.exists()
