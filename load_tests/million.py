"""``python -m load_tests.million``: many requests to a shop whose workers and collector are killed all the while.

Every segment is held open, so what a worker had committed is known after its death. In the end the store has to hold
exactly that, event by event, but for what is counted as lost; and every request that was answered. Exit code 0 if so.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .million_client import ANSWERED, UNSENT, WRONG, id_of
from .prices import path_of
from .processes import ROOT, ChildError, free_port, wait_until_logged
from .proof import ROUTE, Findings
from .soak import archive
from .soak.actor import Actor
from .soak.oracle import judge
from .soak.turmoil import Turmoil
from .soak.witness import Witness
from .stack import STARTED, collect_rest, isolated, serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .soak.oracle import Totals

CLIENTS: Final = 2
STALL_S: Final = 60.0
COLLECTOR_SHARE: Final = 0.3
"""How many of the kills are the collector's."""

LEAST_EVENTS: Final = 8
"""That a request of the run has; of one that is absent all of them have to be counted as lost."""

_ROWS: Final = (
    "SELECT requests.id, path, state, status, route, complete, lost FROM requests JOIN shapes ON shapes.id = shape"
)


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers of a server that replaces those that die: whoever has a segment and lives."""

    kind: str
    witness: Witness

    def pids(self) -> Sequence[int]:
        return self.witness.living()

    def revive(self) -> None:
        """The server does."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="scope-million-"))
    directory.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    witness, turmoil, fates = _run(directory, options)
    ran_s = time.monotonic() - begun
    findings = Findings()
    store = directory / "scope" / "store"
    totals, _ = judge(store, witness.finals, findings)
    stored = _check_requests(store, fates, sum(totals.lost.values()), findings)
    print("\n".join([*_table(fates, stored, totals, turmoil), *findings.lines()]))
    print(f"\nran for {ran_s:.0f} s, judged in {time.monotonic() - begun - ran_s:.0f} s")
    print(f"kept in {directory}", file=sys.stderr)
    return 1 if findings.counts else 0


def _run(directory: Path, options: argparse.Namespace) -> tuple[Witness, Turmoil, bytes]:
    """Everything has ended and is stored when this returns; the last of it is the fate of each request."""
    environment = isolated(
        directory,
        {
            "SCOPE_SERVICE": "shop",
            "SCOPE_SEGMENT_LEFTOVERS_BYTES": "1TiB",
            "SCOPE_STORE_RETENTION_BYTES": "1TiB",
            "SCOPE_STORE_SLICE_S": "300",
        },
    )
    fates = directory / "fates"
    fates.write_bytes(bytes([UNSENT]) * options.requests)
    segments = directory / "scope" / "segments"
    segments.mkdir(parents=True, mode=0o700)
    segments.parent.chmod(0o700)
    port = free_port()
    with Witness(segments) as witness:
        collector = Actor("collector", lambda: ["-m", "scope", "collect"], directory / "collector.log", environment)
        try:
            with ExitStack() as parts:
                workers = ("--workers", str(options.workers))
                shop = serving("shop", "example_app.main:app", port, directory, environment, *workers)
                wait_until_logged(parts.enter_context(shop), STARTED, options.workers)
                turmoil = _send(port, fates, Workers("worker", witness), collector, witness, options)
        finally:
            collector.stop()
    collect_rest(environment)
    return witness, turmoil, fates.read_bytes()


def _send(
    port: int, fates: Path, workers: Workers, collector: Actor, witness: Witness, options: argparse.Namespace
) -> Turmoil:
    """Send all requests; the kills are spread evenly over them."""
    turmoil = Turmoil([workers, collector], options.seed, witness.look)
    chance = random.Random(options.seed)
    share = -(-options.requests // CLIENTS)
    clients = [
        subprocess.Popen(
            [sys.executable, "-m", "load_tests.million_client", str(port), str(first), str(count), str(fates)], cwd=ROOT
        )
        for first in range(0, options.requests, share)
        if (count := min(share, options.requests - first))
    ]
    try:
        for kill in range(options.kills):
            _wait_for(fates, options.requests * (kill + 1) // (options.kills + 1), clients)
            turmoil.kill(collector if chance.random() < COLLECTOR_SHARE else workers)
        for client in clients:
            client.wait()
    finally:
        for client in clients:
            client.kill()
            client.wait()
    return turmoil


def _wait_for(fates: Path, sent: int, clients: Sequence[subprocess.Popen[bytes]]) -> None:
    """Until so many requests were sent. Raises ChildError where they stall."""
    before, since = -1, time.monotonic()
    while (now := _sent(fates.read_bytes())) < sent and any(client.poll() is None for client in clients):
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > STALL_S:
            raise ChildError(f"no request was sent for {STALL_S} s, after {now}")
        time.sleep(0.05)


def _sent(fates: bytes) -> int:
    return len(fates) - fates.count(UNSENT)


def _check_requests(store: Path, fates: bytes, lost: int, findings: Findings) -> int:
    """Each answered request is stored once, as it was; how many of those that were sent are stored.

    Of as many as ``lost`` events all may be lost.
    """
    seen = bytearray(len(fates))
    for path in archive.slices(store):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            for id_, *row in database.execute(_ROWS):
                _check_row(id_, row, fates, seen, findings)
    absent = [number for number, fate in enumerate(fates) if fate == ANSWERED and not seen[number]]
    if len(absent) * LEAST_EVENTS > lost:
        findings.note("answered, but not stored", f"{len(absent)} requests, {id_of(absent[0])} the first")
    for number, fate in enumerate(fates):
        if fate == WRONG:
            findings.note("answered otherwise than with its price", id_of(number))
    return sum(map(bool, seen))


def _check_row(id_: str | None, row: Sequence[object], fates: bytes, seen: bytearray, findings: Findings) -> None:
    path, state, status, route, complete, lost = row
    if not id_ or not id_.startswith("million-"):
        if path and not lost:  # neither the life of a worker nor what has lost its beginning
            findings.note("stored, but never sent", f"{id_} {path}")
        return
    number = int(id_.partition("-")[2])
    seen[number] = min(seen[number] + 1, 255)
    if seen[number] > 1:
        findings.note("stored more than once", id_)
    if path != path_of(number).partition("?")[0]:
        findings.note("another path", f"{id_} {path}")
    whole = [("done", 200, ROUTE, 1), ("aborted", 200, ROUTE, 0)]  # killed after the answer, before the request's end
    if fates[number] == ANSWERED and not lost and (state, status, route, complete) not in whole:
        findings.note("answered, but not stored whole", f"{id_}: {row}")


def _table(fates: bytes, stored: int, totals: Totals, turmoil: Turmoil) -> list[str]:
    lost = {reason: events for reason, events in totals.lost.items() if events}
    return [
        f"{'requests sent':<28}{_sent(fates):>14,}",
        f"{'requests answered':<28}{fates.count(ANSWERED):>14,}",
        f"{'requests stored':<28}{stored:>14,}",
        f"{'kills of workers':<28}{turmoil.counts['worker killed']:>14,}",
        f"{'kills of the collector':<28}{turmoil.counts['collector killed']:>14,}",
        f"{'processes traced':<28}{totals.segments:>14,}",
        f"{'events committed':<28}{totals.committed:>14,}",
        f"{'events stored':<28}{totals.stored:>14,}",
        *(f"{f'events lost: {reason}':<28}{events:>14,}" for reason, events in lost.items()),
        f"{'events torn':<28}{totals.torn:>14,}",
        f"{'events stored twice':<28}{totals.duplicated:>14,}",
        f"{'events missing':<28}{totals.missing:>14,}",
        f"{'events that nobody wrote':<28}{totals.unknown:>14,}",
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.million", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000, help="how many are sent (default %(default)s)")
    parser.add_argument("--kills", type=int, default=200, help="of workers and collector (default %(default)s)")
    parser.add_argument("--workers", type=int, default=4, help="worker processes of the shop (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of who is killed (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where everything is kept; default: a new one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
