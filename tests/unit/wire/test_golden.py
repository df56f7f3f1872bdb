"""The golden bytes mean what they meant when they were written, and the encoder still writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .golden.generate import HERE, generate, tell_definitions, tell_records, tell_segment

if TYPE_CHECKING:
    from pathlib import Path

NAMES = sorted(path.name for path in HERE.iterdir() if path.suffix in {".bin", ".json"})


def told(name: str) -> object:
    return json.loads((HERE / name).read_text())


def test_golden_records_say_what_they_said() -> None:
    assert tell_records((HERE / "records.bin").read_bytes()) == told("records.json")


def test_golden_definitions_say_what_they_said() -> None:
    assert tell_definitions((HERE / "definitions.bin").read_bytes()) == told("definitions.json")


def test_golden_segment_says_what_it_said() -> None:
    assert json.loads(json.dumps(tell_segment(HERE / "segment.bin"))) == told("segment.json")


@pytest.mark.parametrize("name", NAMES)
def test_golden_file_is_what_the_encoder_writes(name: str, tmp_path: Path) -> None:
    generate(tmp_path)
    assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes()


def test_no_golden_file_is_missing(tmp_path: Path) -> None:
    generate(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in {".bin", ".json"}) == NAMES
