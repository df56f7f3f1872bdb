"""A store that somebody else locks for a while: it takes nothing, rings absorb, and afterwards all is stored once."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scope.config import load
from scope.views.collector_status import read_status
from tests.support.load import loaded
from tests.support.servers import attempt, collector, server
from tests.support.stored import listed, stored, when_stored
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else writes to ``path`` during the block, as when somebody repairs or vacuums it."""
    other = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        other.close()


def refusal() -> str:
    status = read_status(load())
    return status.error if status else ""


def test_a_store_locked_while_requests_go_on_has_each_of_them_once(tmp_path: Path) -> None:
    """The collector has memory for all of them: what one process may take of it is a sixteenth, and then rings lap."""
    memory = {"SCOPE_COLLECTOR_MEMORY_BYTES": "512MiB"}
    with server(tmp_path) as running, collector(tmp_path, settings=memory) as collecting:
        running.get("/hello/you", "before")
        when_stored("before", lambda each: each.complete)
        with loaded(running.port) as load_:
            with locked(Path(load().store_dir, "main.db")):
                assert "is locked by another process" in eventually(refusal)
                paused = stored().keys() & load_.answered
                load_.wait_for(200)
                assert "is locked by another process" in attempt("doctor").stdout
                assert stored().keys() & load_.answered == paused
            load_.wait_for(50)
            eventually(lambda: not refusal())
        running.stop()
        assert collecting.stop() == 0
    found = stored()
    print(
        len(found),
        len(load_.answered),
        sorted(load_.answered - found.keys())[:50],
        [e for e in found.values() if not e.complete][:3],
        attempt("doctor").stdout[:1500],
        collecting.output(),
    )
    assert found.keys() == {"before", *load_.answered}
    assert all(each.complete for each in found.values())
    assert "Traceback" not in collecting.output()
    assert not any(each.state == "open" for each in listed())
