"""The seeds of the fuzz targets are of the format that the core reads; older ones would get the fuzzers nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from scope import _core
from tests.core.fuzz.make_corpus import CORPUS, pieces, streams, unpacked

AGAIN = "after a change of the format: python -m tests.core.fuzz.make_corpus"
VALID = sorted(path.name for path in (CORPUS / "segment").glob("valid-*"))


@pytest.mark.parametrize("name", VALID)
def test_segments_that_are_named_valid_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "1.seg"
    path.write_bytes(unpacked((CORPUS / "segment" / name).read_bytes()))
    try:
        segment = _core.Segment(str(path))
    except ValueError as error:
        pytest.fail(f"{error}; {AGAIN}")
    correlator = _core.Correlator()
    events, whole = correlator.drain(correlator.add(segment, 1))
    assert whole
    assert (events > 0) == (name != "valid-empty"), AGAIN
    assert segment.statistics()["quarantined_blocks"] == 0
    segment.close()


def test_there_are_seeds_for_every_target_and_they_stay_small() -> None:
    targets = {path.stem.removeprefix("fuzz_") for path in CORPUS.parent.glob("fuzz_*.c")}
    sizes = {folder.name: sum(path.stat().st_size for path in folder.iterdir()) for folder in CORPUS.iterdir()}
    assert targets == sizes.keys()
    assert 0 < sum(sizes.values()) < 300_000


def test_images_are_packed_without_loss() -> None:
    image = bytes(100) + b"a" + bytes(5) + b"b" + bytes(20) + b"c" * 70_000 + bytes(11)
    again = bytearray(len(image))
    for place, data in pieces(image):
        again[place : place + len(data)] = data
    assert bytes(again) == image


def test_streams_of_records_are_made_of_what_the_core_writes() -> None:
    assert all(len(data) > 100 for _, data in streams())
