"""``python -m load_tests.soak``: many writers and a collector, killed and stopped at random.

Every event carries its writer, its number and a checksum. Every segment is held open, so that what a process had
committed is known after its death. In the end the store is compared with that, event by event. Exit code 0 if each is
stored once, whole, or counted as lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..proof import Findings
from ..stack import collect_rest, isolated
from . import archive
from .actor import Actor
from .ledger import Ledger
from .oracle import Stored, Totals, compare_accounts, judge
from .turmoil import Turmoil
from .witness import Witness

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES: Final = ("overwrite-oldest", "discard-newest", "block")
RECYCLED: Final = 0.1
"""How often a worker is recycled instead of being struck."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    bad = 0
    for policy in options.policy or POLICIES:
        directory = Path(tempfile.mkdtemp(prefix=f"scope-soak-{policy}-", dir=options.directory))
        findings = soak(directory, policy, options)
        print("\n".join(findings.lines()) or f"nothing torn, missing or doubled; kept in {directory}")
        bad += len(findings.counts)
    return 1 if bad else 0


def soak(directory: Path, policy: str, options: argparse.Namespace) -> Findings:
    """One run with the overflow policy; prints its summary."""
    (directory / "ledgers").mkdir()
    environment = isolated(
        directory,
        {
            "SCOPE_INTEGRATIONS": "",  # what they add is not in the writers' accounts
            "SCOPE_LOOP_MIN_GC_MS": "60000",
            "SCOPE_LOOP_MIN_OUTSIDE_MS": "60000",
            "SCOPE_SEGMENT_OVERFLOW": policy,
            "SCOPE_SEGMENT_FIRST_LANE_BYTES": "256KiB",
            "SCOPE_SEGMENT_LANE_BYTES": "128KiB",
            "SCOPE_SEGMENT_LEFTOVERS_BYTES": "1TiB",
            "SCOPE_COLLECTOR_COMMIT_MS": "100",
            "SCOPE_STORE_SLICE_S": "60",
        },
    )
    segments = directory / "scope" / "segments"
    segments.mkdir(parents=True)
    for part in (segments.parent, segments):
        part.chmod(0o700)
    with Witness(segments) as witness:
        turmoil = _run(directory, environment, witness, options)
    collect_rest(environment)
    findings = Findings()
    totals, found = judge(directory / "scope" / "store", witness.finals, findings)
    _judge_accounts(directory, witness, found, findings)
    print(_summary(policy, totals, turmoil, findings))
    return findings


def _run(directory: Path, environment: Mapping[str, str], witness: Witness, options: argparse.Namespace) -> Turmoil:
    """Turmoil for so many seconds; nobody lives afterwards."""
    chance = random.Random(options.seed)
    ledgers = directory / "ledgers"

    def writing() -> list[str]:
        rest_s = chance.choice((0.0, 0.002, 0.02))
        return ["-m", "load_tests.soak.writer", str(ledgers), str(chance.getrandbits(32)), str(rest_s)]

    collector = Actor("collector", lambda: ["-m", "scope", "collect"], directory / "collector.log", environment)
    writers = [Actor("worker", writing, directory / "workers.log", environment) for _ in range(options.writers)]
    turmoil = Turmoil([collector, *writers], options.seed, witness.look)
    try:
        end = time.monotonic() + options.seconds
        strikes = 0
        while strikes < options.strikes if options.strikes else time.monotonic() < end:
            strikes += 1
            if chance.random() < RECYCLED:
                chance.choice(writers).recycle()
                turmoil.counts["worker recycled"] += 1
            else:
                turmoil.strike([len(writers), *(1 for _ in writers)])
            turmoil.pause(1.0)
    finally:
        for writer in writers:
            writer.stop()
        turmoil.counts["collector failed"] += collector.stop() not in (0, -9)
    return turmoil


def _judge_accounts(directory: Path, witness: Witness, found: Mapping[str, Stored], findings: Findings) -> None:
    counted = archive.losses(directory / "scope" / "store")
    accounts = Ledger.read(directory / "ledgers")
    for uuid, remains in witness.finals.items():
        own = accounts.get(remains.pid, [])
        compare_accounts(own, remains, found[uuid], counted.get(uuid, {}), findings)


def _summary(policy: str, totals: Totals, turmoil: Turmoil, findings: Findings) -> str:
    counts = turmoil.counts
    lost = ", ".join(f"{reason} {events:,}" for reason, events in totals.lost.items() if events) or "none"
    if counts["collector failed"]:
        findings.note("the collector failed", "see collector.log")
    return (
        f"{policy}: {totals.requests:,} requests, {totals.committed:,} events of {totals.segments} processes; "
        f"killed: {counts['worker killed']} workers, {counts['collector killed']} collectors; stopped: "
        f"{counts['worker stopped']} workers, {counts['collector stopped']} collectors; recycled: "
        f"{counts['worker recycled']} workers; stored {totals.stored:,}; lost: {lost}; torn {totals.torn}, "
        f"duplicated {totals.duplicated}, missing {totals.missing}, unknown {totals.unknown}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=150, help="of turmoil, per policy (default %(default)s)")
    parser.add_argument("--strikes", type=int, help="end after so many kills and stops instead")
    parser.add_argument("--writers", type=int, default=4, help="processes that write (default %(default)s)")
    parser.add_argument("--policy", action="append", choices=POLICIES, help="default: all, one after the other")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where everything is kept; default: that for temporary files")
    return parser


if __name__ == "__main__":
    sys.exit(main())
