"""The file of a session."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from scope import _core, span
from scope.model import DefinitionKind
from scope.wire.segment import SegmentFile
from tests.unit.core.inside import serve
from tests.unit.core.session.sessions import SMALL, definitions, session_at, step

pytestmark = pytest.mark.usefixtures("no_integrations")


def test_the_file_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with session_at(path):
            status = path.stat()
    finally:
        os.umask(before)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_uid == os.geteuid()


def test_the_file_stays_for_the_collector(path: Path) -> None:
    with session_at(path), span("left behind"):
        pass
    segment = _core.Segment(str(path))
    assert segment.pid == os.getpid()
    assert segment.alive()
    segment.close()


@pytest.mark.parametrize("there", ["file", "link", "dangling link", "directory"])
def test_nothing_that_is_there_is_opened_or_followed(there: str, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    if there == "file":
        path.write_text("mine")
    elif there == "directory":
        path.mkdir()
    else:
        path.symlink_to(target)
    if there == "link":
        target.write_text("mine")
    with pytest.raises(FileExistsError, match=r"s\.seg"):
        _core.Session(str(path))
    assert there != "file" or path.read_text() == "mine"
    assert target.exists() == (there == "link")


def test_no_file_is_left_where_none_can_be_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        _core.Session(str(tmp_path / "nowhere" / "s.seg"))
    with pytest.raises(ValueError, match="embedded null"):
        _core.Session(str(tmp_path / "a\0b"))
    with pytest.raises(TypeError):
        _core.Session(b"bytes")  # type: ignore[arg-type]
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("sizes", "fault"),
    [
        ({"lanes": 0}, "number of lanes"),
        ({"lanes": 1025}, "number of lanes"),
        ({"lanes": -1}, "number of lanes"),
        ({"block_bytes": 8192}, "block size"),
        ({"block_bytes": 131072}, "block size"),
        ({"block_bytes": 20000}, "block size"),
        ({"first_lane_bytes": 16384}, "fewer than two blocks"),
        ({"lane_bytes": 49152}, "not a power of two"),
        ({"lane_bytes": 1 << 27}, "larger than 64 MiB"),
        ({"definitions_bytes": 0}, "definitions' size"),
        ({"definitions_bytes": 5000}, "definitions' size"),
        ({"definitions_bytes": 1 << 27}, "definitions' size"),
        ({"policy": 3}, "policy is unknown"),
    ],
    ids=str,
)
def test_sizes_out_of_range_are_refused_with_the_reason(sizes: dict[str, int], fault: str, path: Path) -> None:
    with pytest.raises(ValueError, match=fault):
        _core.Session(str(path), **sizes)  # type: ignore[arg-type]
    assert not path.exists()


def test_what_both_ends_of_the_wire_say_of_a_new_segment_agrees(path: Path) -> None:
    with session_at(path, **SMALL, block_bytes=16384, policy=1) as session, SegmentFile(path) as plain:
        native = _core.Segment(str(path))
        assert (native.uuid, native.pid) == (session.uuid, os.getpid())
        assert plain.header.uuid.hex == session.uuid
        assert (plain.header.lanes, plain.header.policy) == (2, "discard-newest")
        monotonic_ns, boottime_ns, realtime_ns = native.clocks
        assert 0 < monotonic_ns <= boottime_ns < realtime_ns
        assert native.start_ticks > 0
        native.close()


def test_a_session_tells_where_it_is_and_what_it_did(path: Path) -> None:
    with session_at(path, resource={"service.name": "shop"}) as session:
        before = session.statistics()
        asyncio.run(serve(step))
        after = session.statistics()
        assert session.path == str(path)
        assert session.control == 0
    assert (before["requests"], after["requests"]) == (0, 1)
    assert before["lost"] == after["lost"]
    assert after["bytes"] > before["bytes"]
    assert after["lanes"] == 1


def test_the_collectors_control_word_is_seen(path: Path) -> None:
    with session_at(path) as session:
        segment = _core.Segment(str(path))
        segment.set_control(7 | 1 << 40)
        assert session.control == 7 | 1 << 40
        segment.close()


def test_the_resource_is_the_first_definition(path: Path) -> None:
    with session_at(path, resource={"service.name": "shop", "process.pid": 3, "odd": object()}):
        first = definitions(path)[0]
    assert first.kind is DefinitionKind.RESOURCE
    assert (first.attributes["service.name"], first.attributes["process.pid"]) == ("shop", 3)


@pytest.mark.parametrize("resource", [None, 3, [], {}], ids=repr)
def test_a_resource_that_is_none_is_an_empty_one(resource: Any, path: Path) -> None:
    with session_at(path, resource=resource):
        assert definitions(path)[0].attributes == {}
