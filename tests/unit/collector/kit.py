"""What the tests of the collector work with: traced processes made to order, a store, a clock that stands still."""

from __future__ import annotations

import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scope import mark, span
from scope._core import Request, Session, begin_request, set_session
from scope.config import Config, load, prepare_dirs
from scope.store import Batch, Reader, SegmentInfo, StoreFull, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from scope.model import RequestSummary
    from scope.store import Restored

SECOND_NS = 1_000_000_000
_PID_OFFSET = 128


class Clock:
    """Monotonic nanoseconds that pass when told to."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * SECOND_NS

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND_NS)


class Process:
    """A traced process: a segment of its own, written to from here, while another process stands in as its owner."""

    def __init__(self, path: Path, session: Session, owner: subprocess.Popen[bytes]) -> None:
        self.path = path
        self.session = session
        self.owner = owner.pid
        self._owner = owner
        self._open: dict[str, Request] = {}

    def request(self, id: str, *, marks: int = 0) -> None:
        """A whole request with a span in it."""
        self.begin(id)
        self.work(id, marks=marks)
        self.end(id)

    def begin(self, id: str) -> None:
        set_session(self.session)
        header = (b"x-request-id", id.encode())
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": f"/{id}", "headers": [header]}
        request = begin_request(scope, b"x-request-id", True)
        set_session(None)
        assert request is not None
        self._open[id] = request

    def work(self, id: str, *, marks: int = 0) -> None:
        """A span with ``marks`` in it, in an open request."""
        set_session(self.session)
        request = self._open[id]
        before = request.activate()
        with span("work", of=id):
            for _ in range(marks):
                mark("tick")
        request.deactivate(before)
        set_session(None)

    def route(self, id: str, template: str) -> None:
        """Name the route of an open request, which is a definition where the template is new."""
        set_session(self.session)
        self._open[id].set_route(template)
        set_session(None)

    def end(self, id: str) -> None:
        set_session(self.session)
        self._open.pop(id).end(0)
        set_session(None)

    def late(self, id: str) -> Callable[[], None]:
        """What a thread does that outlives its request."""
        request = self._open[id]

        def work() -> None:
            self._open[id] = request
            self.work(id)
            del self._open[id]

        return work

    def die(self) -> None:
        self._owner.kill()
        self._owner.wait()


@contextmanager
def process(name: str = "one.seg", **sizes: Any) -> Iterator[Process]:
    """A traced process with a segment called ``name`` where the settings want it."""
    config = load()
    prepare_dirs(config)
    path = Path(config.segment.dir, name)
    session = Session(
        str(path), resource={"service.name": "shop"}, **{"lanes": 2, "first_lane_bytes": 1 << 18, **sizes}
    )
    with subprocess.Popen(["sleep", "1000"]) as owner:
        made = Process(path, session, owner)
        _disown(path, owner.pid)
        try:
            yield made
        finally:
            made.die()
            session.close()


def _disown(segment: Path, pid: int) -> None:
    """Make ``pid`` the owner of ``segment``; nobody has opened it yet."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    with segment.open("r+b") as file:
        file.seek(_PID_OFFSET)
        file.write(struct.pack("<QQ", pid, ticks))


class FaultyWriter(Writer):
    """A store that refuses what ``refuses`` names, and notes what it was asked for.

    ``meanwhile`` happens once, while the next batch is being stored.
    """

    def __init__(self, config: Config) -> None:
        self.refuses: set[str] = set()
        self.asked: list[str] = []
        self.batches: list[Batch] = []
        self.meanwhile: Callable[[], None] = lambda: None
        super().__init__(Path(config.store_dir), config.store)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.refuses:
            raise StoreFull(f"no room to {what}")

    def refuse_from(self, batches: int) -> None:
        """Refuse everything once so many batches are stored."""
        if len(self.batches) >= batches:
            raise StoreFull("as good as killed")

    def register(self, segment: SegmentInfo) -> int:
        self._ask("register")
        return super().register(segment)

    def commit(self, batch: Batch) -> None:
        self._ask("commit")
        super().commit(batch)
        self.batches.append(batch)
        happens, self.meanwhile = self.meanwhile, lambda: None
        happens()

    def restore(self) -> Restored:
        self._ask("restore")
        return super().restore()

    def drop_segment(self, number: int) -> None:
        self._ask("drop")
        super().drop_segment(number)

    def drop_absent(self, present: Collection[str]) -> None:
        self._ask("drop absent")
        super().drop_absent(present)

    def retain(self, now_ns: int) -> int:
        self._ask("retain")
        return super().retain(now_ns)


def settings(**collector: int) -> Config:
    """The settings in force, with those of the collector given; its directories are there."""
    config = load(overrides={"collector": collector})
    prepare_dirs(config)
    return config


def stored() -> dict[str, RequestSummary]:
    """The requests in the store by their correlation id; each is there once."""
    with Reader(load().store_dir) as reader:
        found = reader.requests(limit=1_000_000)
    by_id = {each.id: each for each in found}
    assert len(by_id) == len(found)
    return by_id
