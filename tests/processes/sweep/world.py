"""Traced processes for a collector to be killed over, and what the store must hold of them in the end.

There are four. ``old`` began an hour ago, so that its requests belong to another slice; ``shop`` has lanes, a request
that is open for long and one that never ends; ``lapped`` wrote more than its lane holds before anybody read;
``refused`` discards what is too much. They write in two parts, so that a collector which is killed in between finds
more afterwards.
"""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from scope.store import Reader
from scope.wire.decode import decode_records
from scope.wire.layout import FIRST_EVENT_TYPE
from tests.processes.sweep.traced import Traced, Writer
from tests.unit.collector.kit import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from scope.config import Config
    from scope.model import RequestSummary

HOUR_NS: Final = 3600 * 10**9
MANY: Final = 60
"""Requests of the processes that lose some."""
MARKS: Final = 20
EVENTS: Final = 4 + MARKS
"""Of such a request: it begins and ends, a span with marks in it does."""

_ANY_RUN: Final = frozenset({"trace_id", "root_span_id"})

Content = dict[str, tuple[Any, ...]]
"""What is the same in every run of a request, by its id."""


class World:
    """One directory with its processes; a context manager. The first part is written when it is made."""

    def __init__(self, directory: Path) -> None:
        os.environ["SCOPE_DIR"] = str(directory)
        self.config: Config = settings()
        small = {"lanes": 1, "first_lane_bytes": 1 << 15}
        self.old = self._traced("old", _old_first, _old_second, ago_ns=HOUR_NS)
        self.shop = self._traced("shop", _shop_first, _shop_second)
        self.lapped = self._traced("lapped", partial(_many, "lapped", 0), **small)
        self.refused = self._traced(
            "refused", partial(_many, "refused", 0), partial(_many, "refused", MANY), policy=1, **small
        )
        self._is_written = False
        for each in self._all():
            each.go_on()

    def _traced(self, name: str, *parts: Callable[[Writer], None], **sizes: int) -> Traced:
        return Traced(
            Path(self.config.segment.dir, f"{name}.seg"), *parts, **{"lanes": 4, "first_lane_bytes": 1 << 17, **sizes}
        )

    def _all(self) -> tuple[Traced, ...]:
        return self.old, self.shop, self.lapped, self.refused

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for each in self._all():
            each.die()

    def write_second(self) -> None:
        """All the rest, and the ends of the processes; nothing where that has been done."""
        if self._is_written:
            return
        self._is_written = True
        for each in (self.old, self.shop, self.refused):
            each.go_on()
        for each in self._all():
            each.die()

    def content(self) -> Content:
        """What is stored of the processes that lose nothing."""
        with Reader(self.config.store_dir) as reader:
            stored = reader.requests(limit=10_000)
            kept = [each for each in stored if each.id.startswith(("old-", "shop-"))]
            found = {each.id: _content(reader, each) for each in kept}
        assert len(found) == len(kept), sorted(each.id for each in kept)
        return found

    def check(self, expected: Content) -> None:
        """The store holds what it must, once, and everything that counts agrees."""
        self._check_content(expected)
        with Reader(self.config.store_dir) as reader:
            stored = reader.requests(limit=10_000)
            assert len({each.id for each in stored}) == len(stored), sorted(each.id for each in stored)
            self._check_losses(reader, stored)
            assert sum(route.count for route in reader.routes()) == len(stored)
            assert [group.count for group in reader.errors()] == [1], reader.errors()
            info = reader.info()
            assert (info.requests, info.open_requests, len(info.slices)) == (len(stored), 0, 2), info
        assert list(Path(self.config.segment.dir).glob("*.seg")) == []
        _check_tables(Path(self.config.store_dir, "main.db"))

    def check_newest(self, expected: Content) -> None:
        """The older slice is gone, with its file; of the newer one nothing is."""
        self._check_content({of: content for of, content in expected.items() if of.startswith("shop-")})
        with Reader(self.config.store_dir) as reader:
            info = reader.info()
            assert len(info.slices) == 1, info
            assert info.requests == len(reader.requests(limit=10_000)), info
            assert self.old.pid not in {each.pid for each in info.segments}, info
        assert len(list(Path(self.config.store_dir, "slices").glob("*.db"))) == 1
        _check_tables(Path(self.config.store_dir, "main.db"))

    def _check_content(self, expected: Content) -> None:
        found = self.content()
        assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
        for of, content in found.items():
            different = [pair for pair in zip_longest(content, expected[of]) if pair[0] != pair[1]]
            assert different == [], f"{of}: {different[:3]}"

    def _check_losses(self, reader: Reader, stored: list[RequestSummary]) -> None:
        """Delivered and lost are together what was committed, or tried."""
        losses = {
            each.pid: {why: events for why, events in each.lost.items() if events} for each in reader.info().segments
        }
        for each, tried in ((self.lapped, MANY), (self.refused, 2 * MANY)):
            events = sum(request.events for request in stored if request.pid == each.pid)
            lost = losses[each.pid]
            assert events + sum(lost.values()) == tried * EVENTS, f"{events} events and {lost} of {tried * EVENTS}"
        assert losses[self.lapped.pid].keys() == {"lapped"}, losses
        assert losses[self.refused.pid] == {"full": self.refused.lost}
        assert not any(losses.get(each.pid) for each in (self.old, self.shop)), losses


def _old_first(writer: Writer) -> None:
    for number in range(3):
        writer.request(f"old-{number}", marks=number)
    writer.begin("old-open")
    writer.work("old-open", marks=2)


def _old_second(writer: Writer) -> None:
    writer.end("old-open")


def _shop_first(writer: Writer) -> None:
    for number in range(3):
        writer.request(f"shop-{number}", marks=3)
    writer.begin("shop-open")
    writer.route("shop-open", "/first/{id}")
    writer.work("shop-open", marks=40)
    writer.work_elsewhere("shop-open")


def _shop_second(writer: Writer) -> None:
    writer.work("shop-open", marks=5)
    writer.work_elsewhere("shop-open")
    writer.fail("shop-open")
    writer.end("shop-open")
    writer.request("shop-late", marks=1)
    writer.begin("shop-cut-off")
    writer.work("shop-cut-off", marks=7)


def _many(name: str, first: int, writer: Writer) -> None:
    for number in range(first, first + MANY):
        writer.request(f"{name}-{number}", marks=MARKS)


def _content(reader: Reader, request: RequestSummary) -> tuple[Any, ...]:
    # within a lane the order is that of the bytes, across lanes the time decides
    events = [each for each in decode_records(reader.blob(request)) if each.type >= FIRST_EVENT_TYPE]
    events.sort(key=lambda each: each.time_ns)
    told = [(each.type, each.span, each.parent, _same_in_every_run(each.payload)) for each in events]
    names = sorted(span.name for _, span in reader.trace(request).spans())
    return request.state, request.complete, request.lost, request.events, request.route, request.error, names, *told


def _same_in_every_run(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key not in _ANY_RUN}


def _check_tables(path: Path) -> None:
    """Nothing is left of what was open, and no position of a segment that is gone."""
    main = sqlite3.connect(path)
    for table in ("requests", "pieces", "attributes", "exceptions", "heads"):
        assert main.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    main.close()
