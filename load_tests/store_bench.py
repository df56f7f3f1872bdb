"""What storing costs: ``python -m load_tests.store_bench`` prints microseconds of CPU per request as JSON.

Batches of 1,000 requests are committed as the collector does it, beside a bare ``executemany`` of rows of the same
width in the same run: the two alternate, and medians are taken, so that a change of the machine's speed hits both.
``hello`` requests are those of a FastAPI endpoint without work (begin, route, response, end); ``annotated`` ones add a
caller's id, three spans and an annotation. The checkpoints that SQLite makes along the way are part of the figures.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scope.model import Definition, DefinitionKind, Event, EventType
from scope.store import Batch, SegmentInfo, Writer
from scope.store.batch import Summary
from scope.wire.definitions import encode_definition
from scope.wire.encode import encode_record, encode_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BATCH = 1000
START_NS = 1_800_000_000_000_000_000
SPACING_NS = 200_000
ROW_WIDTH = 23


@dataclass(frozen=True, slots=True)
class Settings:
    """The defaults of the ``store.*`` settings."""

    slice_s: int = 3600
    retention_age_s: int = 7 * 86_400
    retention_bytes: int = 1 << 30


class Requests:
    """Requests of two processes in turns, as the correlator would hand them over."""

    def __init__(self, *, annotated: bool) -> None:
        self._annotated = annotated
        self._random = random.Random(1)
        self._count = 0

    def batch(self) -> list[tuple[Any, ...]]:
        return [self._next() for _ in range(BATCH)]

    def _next(self) -> Summary:
        self._count += 1
        segment, key = 1 + self._count % 2, self._count // 2 + 1
        start = START_NS + self._count * SPACING_NS
        trace_id, span_id = self._random.randbytes(16), self._random.getrandbits(64)
        events = list(self._events(key, trace_id, span_id))
        notes = [encode_record(event) for event in events if event.type is EventType.ANNOTATION]
        return Summary(
            segment=segment,
            key=key,
            state=1,
            kind=1,
            flags=int(self._annotated),
            trace_id=trace_id,
            span_id=span_id,
            remote_parent=0,
            method="GET",
            path=f"/items/{key}" if self._annotated else "/hello",
            id=f"order-{trace_id.hex()}" if self._annotated else None,
            route=1,
            route_text=None,
            status=200,
            start_ns=start,
            first_byte_ns=start + 60_000,
            response_end_ns=start + 61_000 + self._random.randrange(40_000),
            end_ns=start + 120_000,
            outcome=0,
            events=len(events) - 1,
            spans=1 + 3 * self._annotated,
            errors=0,
            lost=0,
            complete=1,
            tracing_ns=0,
            bytes_in=0,
            bytes_out=17,
            messages_in=0,
            messages_out=2,
            loop_wait_ns=self._random.randrange(60_000),
            thread_wait_ns=0,
            longest_step_ns=self._random.randrange(60_000, 120_000),
            sites=(2, 3, 4) if self._annotated else (),
            notes=tuple(notes),
            blob=encode_records(events, self._count * 320),
            pieces=0,
            position=self._count * 320,
            late=0,
        )

    def _events(self, key: int, trace_id: bytes, span_id: int) -> Iterator[Event]:
        now = self._count * SPACING_NS
        begin = {"trace_id": trace_id, "root_span_id": span_id, "kind": 1, "method": "GET", "path": "/hello"}
        yield Event(EventType.LANE, now, payload={"thread_id": 1234, "generation": 1, "thread_name": "MainThread"})
        yield Event(EventType.REQUEST_BEGIN, now, key, 1, payload=begin)
        yield Event(EventType.REQUEST_ROUTE, now + self._random.randrange(9_000, 20_000), key, 1, site=1)
        if self._annotated:
            for number in (2, 3, 4):
                yield Event(EventType.SPAN_BEGIN, now + self._random.randrange(20_000, 40_000), key, number, 1, number)
                yield Event(EventType.SPAN_END, now + self._random.randrange(40_000, 60_000), key, number)
            values = {"user": self._random.randrange(100_000), "plan": "free"}
            yield Event(EventType.ANNOTATION, now + 50_000, key, 1, payload={"attributes": values})
        yield Event(EventType.RESPONSE_START, now + 60_000, key, 1, payload={"status": 200})
        ended = now + 61_000 + self._random.randrange(40_000)
        yield Event(EventType.RESPONSE_END, ended, key, 1, payload={"body_bytes_sent": 17, "messages_sent": 2})
        yield Event(EventType.REQUEST_END, now + 120_000, key, 1, payload={"messages_sent": 2, "body_bytes_sent": 17})


class Bare:
    """The baseline: the least that SQLite can be asked to do with such rows, in one transaction a batch."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        columns = ", ".join(f"c{number}" for number in range(1, ROW_WIDTH))
        self.connection.execute(f"CREATE TABLE bare (c0 INTEGER PRIMARY KEY, {columns})")
        self._insert = f"INSERT INTO bare VALUES ({', '.join('?' * ROW_WIDTH)})"

    def commit(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(self._insert, rows)
        self.connection.execute("COMMIT")


def bare_rows(finished: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows with the same values as the store's: what it binds, without what it works out."""
    rows: list[tuple[Any, ...]] = []
    for row in finished:
        it = Summary(*row)
        times = (it.start_ns, it.first_byte_ns, it.end_ns - it.start_ns, it.end_ns)
        counts = (it.spans, it.events, it.errors, it.lost, it.tracing_ns)
        traffic = (it.bytes_in, it.bytes_out, it.messages_in, it.messages_out)
        ids = (it.trace_id, it.span_id >> 1, it.remote_parent, it.id, it.path)
        steps = (it.loop_wait_ns, it.thread_wait_ns, it.longest_step_ns)
        rows.append((it.segment << 44 | it.key, 1, 1, *ids, *times, *counts, *traffic, *steps))
    return rows


def cpu_us(work: Callable[[], object]) -> float:
    """Microseconds of CPU, per request of a batch, that ``work`` takes."""
    before = time.process_time_ns()
    work()
    return (time.process_time_ns() - before) / 1000 / BATCH


def definitions() -> tuple[int, list[bytes]]:
    names = [Definition(DefinitionKind.ROUTE, "/items/{id}")]
    names += [Definition(DefinitionKind.NAME, name) for name in ("authorise", "load", "render")]
    return 1, [encode_definition(each) for each in names]


def measure(directory: Path, batches: int, *, annotated: bool) -> dict[str, float]:
    """Medians over blocks of ten batches, in microseconds of CPU per request; bytes on disk per request."""
    requests = Requests(annotated=annotated)
    store, bare = directory / "store", Bare(directory / "bare.db")
    costs: dict[str, list[float]] = {"store": [], "bare": []}
    with Writer(store, Settings(), clock=lambda: START_NS) as writer:
        for pid in (1, 2):
            writer.register(SegmentInfo(f"{pid:032x}", pid, "bench"))
        writer.commit(Batch(definitions={1: definitions(), 2: definitions()}))
        for number in range(batches):
            finished = requests.batch()
            rows = bare_rows(finished)
            batch = Batch(finished=finished, heads={1: (number, 0), 2: (number, 0)})
            costs["store"].append(cpu_us(partial(writer.commit, batch)))
            costs["bare"].append(cpu_us(partial(bare.commit, rows)))
    bare.connection.close()
    size = sum(path.stat().st_size for path in store.rglob("*.db"))
    blocks = {
        name: [statistics.fmean(values[at : at + 10]) for at in range(0, batches, 10)] for name, values in costs.items()
    }
    return {
        **{f"{name}_us": round(statistics.median(values), 2) for name, values in blocks.items()},
        "ratio": round(statistics.median(blocks["store"]) / statistics.median(blocks["bare"]), 2),
        "bytes_per_request": round(size / batches / BATCH),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=100, help="of 1,000 requests, for each kind")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"unit": "us of CPU per request", "batch": BATCH, "batches": arguments.batches}
    for kind in ("hello", "annotated"):
        with tempfile.TemporaryDirectory() as directory:
            results[kind] = measure(Path(directory), arguments.batches, annotated=kind == "annotated")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
