"""``python -m load_tests.loop_blame``: proves that who holds an event loop is named to all who wait, and they to it.

An application that is not prepared in any way runs under ``scope run``, on each event loop. A request blocks its loop
for 300 ms; meanwhile 200 others should go on, each at a moment of its own, and note how late they were. Compared are,
each within 5 %:

- for every victim, what all culprits stole from it by its trace, with how late it was by its own clock (it went on
  between what ran before it, by that clock, and its own look at the clock);
- for every victim, what the culprit stole, with how long it was late while the culprit blocked, by the clocks of both;
- the sum of the latter over all victims, as the culprit's trace and ``scope loop`` have it.

Both sides have to name each other with the same times, and the function. Exit code 0 if all of it holds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scope.store import Reader
from scope.views.loop_search import find_blame, find_culprits

from .processes import HOST, free_port, running, wait_until_logged
from .proof import Findings
from .stack import collector, isolated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scope.views.blame import Blame, Theft
    from scope.views.culprits import Culprit

LOOPS = ("asyncio", "uvloop")
CULPRIT = "culprit"
FUNCTION = "render"
LISTENS = "Uvicorn running on"
APART_S = 0.005
"""Requests are sent so far apart, so that they do not wait for each other before it counts."""
SETTLE_S = 1.0
MOST_OFF = 0.05
LEAST_NS = 10_000_000


@dataclass(frozen=True, slots=True)
class Late:
    """It should have gone on at ``due_ns``, did after another ran at ``before_ns``, and had done so at ``woke_ns``."""

    id: str
    due_ns: int
    before_ns: int
    woke_ns: int

    @property
    def late_ns(self) -> int:
        return self.woke_ns - self.due_ns

    def late_during(self, block: Block) -> int:
        return max(0, min(self.woke_ns, block.end_ns) - max(self.due_ns, block.begin_ns))


@dataclass(frozen=True, slots=True)
class Block:
    """From when to when the culprit blocked the loop, by its own clock."""

    begin_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the store tells: the blame of each request by id, and the first of all culprits."""

    blame: Mapping[str, Blame]
    worst: Culprit | None


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="scope-loop-"))
    problems = 0
    for loop in options.loop or LOOPS:
        own = directory / loop
        own.mkdir(parents=True)
        block, victims = _run(own, loop, options.victims, options.block_ms)
        findings = Findings()
        lines = check(block, victims, _told(own, [each.id for each in victims]), findings)
        print(f"{loop}: blocked {(block.end_ns - block.begin_ns) / 1e6:.1f} ms beside {len(victims)} requests")
        print("\n".join(f"  {line}" for line in (*lines, *findings.lines())))
        problems += len(findings.counts)
    print("wrong" if problems else "each named to each, and the times add up")
    print(f"kept in {directory}", file=sys.stderr)
    return 1 if problems else 0


def check(block: Block, victims: Sequence[Late], told: Told, findings: Findings) -> list[str]:
    """Compare what the application noted with what is ``told``; the figures, a line each."""
    taken = {theft.victim.id: theft for theft in told.blame[CULPRIT].taken}
    pairs = [(victim, _by_culprit(told.blame[victim.id]), taken.get(victim.id)) for victim in victims]
    named = [(victim, theft) for victim, theft, other in pairs if theft and _agree(theft, other)]
    for victim, theft, other in pairs:
        if theft is None or not _agree(theft, other):
            findings.note("not named alike by each other", victim.id)
    by_all = [_off_by_all(told.blame[victim.id], victim, findings) for victim, _ in named]
    own = [_off(theft.stolen_ns, victim.late_during(block), victim.id, findings) for victim, theft in named]
    known_ns = sum(victim.late_during(block) for victim in victims)
    taken_ns = sum(other.stolen_ns for _, _, other in pairs if other)
    off = _off(taken_ns, known_ns, CULPRIT, findings)
    return [
        f"{len(named)} of {len(victims)} victims and the culprit name each other and {FUNCTION}",
        f"stolen from a victim by all, against its lateness: {_spread(by_all)}",
        f"victims that looked at the clock late: {sum(abs(off) > MOST_OFF for off in by_all)}",
        f"stolen from a victim by the culprit, against their clocks: {_spread(own)}",
        f"stolen by the culprit: {taken_ns / 1e9:.3f} s, by the clocks {known_ns / 1e9:.3f} s, {off:+.2%} off",
        _check_rank(told.worst, known_ns, len(victims), findings),
    ]


def _off_by_all(blame: Blame, victim: Late, findings: Findings) -> float:
    """How far all thefts are from how late it was.

    The system may stop it between its going on and its looking at the clock. So it is a problem only where the sum does
    not fit any moment since the one before it went on.
    """
    stolen_ns = sum(theft.stolen_ns for theft in blame.stolen)
    earliest_ns = min(max(victim.before_ns - victim.due_ns, 0), victim.late_ns)
    _off(stolen_ns, min(max(stolen_ns, earliest_ns), victim.late_ns), victim.id, findings)
    return stolen_ns / victim.late_ns - 1


def _by_culprit(blame: Blame) -> Theft | None:
    return next((theft for theft in blame.stolen if theft.culprit.id == CULPRIT), None)


def _agree(theft: Theft, other: Theft | None) -> bool:
    """Whether both sides tell the same, and name the function."""
    return other is not None and theft.stolen_ns == other.stolen_ns and theft.function == other.function == FUNCTION


def _check_rank(worst: Culprit | None, known_ns: int, victims: int, findings: Findings) -> str:
    """The culprit is the first that ``scope loop`` lists, with all its victims."""
    if worst is None:
        findings.note("not ranked", CULPRIT)
        return "scope loop names nobody"
    off = _off(worst.stolen_ns, known_ns, "scope loop", findings)
    if (worst.culprit_id, worst.function, worst.victims) != (CULPRIT, FUNCTION, victims):
        findings.note("ranked otherwise", repr(worst))
    return (
        f"scope loop: {worst.function} of {worst.route}, {worst.victims} victims,"
        f" {worst.stolen_ns / 1e9:.3f} s, {off:+.2%} off"
    )


def _off(found_ns: int, known_ns: int, name: str, findings: Findings) -> float:
    """By what share ``found_ns`` differs from what is known."""
    off = found_ns / known_ns - 1 if known_ns else float(found_ns > 0)
    if abs(off) > MOST_OFF:
        findings.note("times differ by more than 5 %", f"{name}: {found_ns} ns, not {known_ns}")
    return off


def _spread(shares: Sequence[float]) -> str:
    if not shares:
        return "nothing to compare"
    mean = sum(map(abs, shares)) / len(shares)
    return f"{min(shares):+.2%} to {max(shares):+.2%}, {mean:.2%} on average"


def _told(directory: Path, ids: Sequence[str]) -> Told:
    with Reader(directory / "scope" / "store") as reader:
        traces = {row.id: reader.trace(row) for row in reader.requests(limit=4 * len(ids) + 100)}
        blame = {id_: find_blame(reader, traces[id_], LEAST_NS) for id_ in (*ids, CULPRIT)}
        found = find_culprits(reader, LEAST_NS).culprits
        return Told(blame, found[0] if found else None)


def _run(directory: Path, loop: str, victims: int, block_ms: int) -> tuple[Block, list[Late]]:
    port = free_port()
    environment = isolated(directory)
    command = ["-m", "scope", "run", "--", sys.executable, "-m", "uvicorn", "load_tests.loop_app:app"]
    options = ["--port", str(port), "--no-access-log", "--loop", loop]
    with ExitStack() as parts:
        parts.enter_context(collector(directory, environment))
        child = parts.enter_context(running("app", [*command, *options], directory, environment))
        wait_until_logged(child, LISTENS, 1)
        return asyncio.run(_send_all(port, victims, block_ms))


async def _send_all(port: int, victims: int, block_ms: int) -> tuple[Block, list[Late]]:
    """Everybody is on time but for the block: due in its first half, one after the other."""
    await _get(port, "warm-up", f"/visit/{time.monotonic_ns()}")
    block_ns = block_ms * 1_000_000
    begin_ns = time.monotonic_ns() + int(((victims + 1) * APART_S + SETTLE_S) * 1e9)
    dues = [begin_ns + block_ns // 50 + block_ns * number // (2 * victims) for number in range(victims)]
    asked = [asyncio.create_task(_get(port, CULPRIT, f"/report/{begin_ns}/{block_ms}"))]
    for number, due_ns in enumerate(dues):
        await asyncio.sleep(APART_S)
        asked.append(asyncio.create_task(_get(port, f"victim-{number}", f"/visit/{due_ns}")))
    block, *woken = await asyncio.gather(*asked)
    return Block(**block), [Late(f"victim-{number}", **each) for number, each in enumerate(woken)]


async def _get(port: int, id_: str, path: str) -> dict[str, int]:
    reader, writer = await asyncio.open_connection(HOST, port)
    head = f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\nx-request-id: {id_}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode())
    try:
        answer: dict[str, int] = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
        return answer
    finally:
        writer.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.loop_blame", description=__doc__)
    parser.add_argument("--victims", type=int, default=200, help="requests that wait (default %(default)s)")
    parser.add_argument("--block-ms", type=int, default=300, help="for how long the loop is held (default %(default)s)")
    parser.add_argument("--loop", choices=LOOPS, action="append", help="on this event loop only")
    parser.add_argument("--directory", type=Path, help="where everything is kept; default: a new one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
