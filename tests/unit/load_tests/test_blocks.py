from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from load_tests.blocks import BlockError, blocks_of

TWICE = "import sys\nfor line in sys.stdin: print(2 * int(line), flush=True)"


def test_each_line_has_its_answer(tmp_path: Path) -> None:
    with blocks_of([sys.executable, "-c", TWICE], tmp_path, os.environ) as ask:
        assert [ask("4"), ask("21")] == [8, 42]


def test_a_child_that_ends_is_told_of(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "input()"]
    with blocks_of(command, tmp_path, os.environ) as ask, pytest.raises(BlockError, match="has ended at 'go'"):
        ask("go")
