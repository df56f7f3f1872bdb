"""What the store has beside what was committed: segment by segment, event by event."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scope.model import EventType
from scope.wire import fields
from scope.wire.decode import decode_records, record_end
from scope.wire.errors import WireError
from scope.wire.layout import FIRST_EVENT_TYPE, LOSS_REASONS

from . import archive, payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ..proof import Findings
    from .ledger import Account
    from .witness import Remains

_STAMP: Final = slice(3, 6)
_TIME: Final = slice(8, 13)


@dataclass(slots=True)
class Stored:
    """What the store has of one segment.

    ``marks`` tell its events apart: 40 bits of the time and 24 of the place in the ring. ``carried`` are the numbers
    that the events of each writer carry. ``ending`` is what is still missed of the last records of its lanes.
    ``outside`` are the events of the process itself, outside any request.
    """

    events: int = 0
    outside: int = 0
    requests: int = 0
    marks: array[int] = field(default_factory=lambda: array("Q"))
    carried: dict[int, array[int]] = field(default_factory=dict[int, "array[int]"])
    ending: set[bytes] = field(default_factory=set[bytes])
    noted: Counter[str] = field(default_factory=Counter[str])

    def duplicates(self) -> int:
        return len(self.marks) - len(set(self.marks))


@dataclass(slots=True)
class Totals:
    """Sums over a whole run."""

    segments: int = 0
    requests: int = 0
    committed: int = 0
    stored: int = 0
    torn: int = 0
    duplicated: int = 0
    missing: int = 0
    unknown: int = 0
    lost: Counter[str] = field(default_factory=Counter[str])


def judge(store: Path, remains: Mapping[str, Remains], findings: Findings) -> tuple[Totals, dict[str, Stored]]:
    """Compare the store with what dead processes left; what disagrees is found."""
    totals = Totals(segments=len(remains))
    found = {uuid: Stored(ending=_ending(each)) for uuid, each in remains.items()}
    seen: set[tuple[str, int]] = set()
    for path in archive.slices(store):
        for row, records in archive.read_slice(path):
            totals.requests += 1
            if (row.uuid, row.request) in seen:
                findings.note("a request in two slices", f"{row.request}")
            seen.add((row.uuid, row.request))
            if row.uuid not in found:
                findings.note("a segment that nobody saw", row.uuid)
                totals.unknown += row.events
                continue
            take_in(found[row.uuid], row, records, totals, findings)
    if rows := archive.read_open(store):
        findings.note("still open", f"{len(rows)} requests")
    if left := archive.left_pieces(store):
        findings.note("pieces left of open requests", str(left))
    for uuid, outside in archive.outside(store).items():
        if uuid in found:
            found[uuid].outside = outside
    counted = archive.losses(store)
    for uuid, each in remains.items():
        compare(each, found[uuid], counted.get(uuid, {}), totals, findings)
    return totals, found


def take_in(into: Stored, row: archive.Row, records: bytes, totals: Totals, findings: Findings) -> None:
    """Check the records of one request, and count them."""
    into.requests += 1
    before = into.events
    carried, declared = 0, None
    try:
        for offset, end in _records(records):
            if records[offset] >= FIRST_EVENT_TYPE:
                into.events += 1
                record = records[offset:end]
                into.marks.append(int.from_bytes(record[_STAMP] + record[_TIME], "little"))
                into.ending.discard(record)
        for event in decode_records(records):
            if event.type is EventType.GAP:
                into.noted[LOSS_REASONS[fields.number(event, "reason")]] += fields.number(event, "lost")
            attributes = fields.attributes(event)
            declared = attributes.get("carried", declared)
            if mark := payload.check(attributes):
                writer, number = mark
                into.carried.setdefault(writer, array("Q")).append(number)
                carried += 1
    except (WireError, ValueError) as error:
        totals.torn += 1
        findings.note("torn", str(error)[:200])
    if row.events != into.events - before:
        findings.note("a row that counts other events than are there", f"{row!r} has {into.events - before}")
    if row.complete and declared is not None and declared != carried:
        findings.note("complete, but is not", f"{row!r}: {carried} of {declared!r}")


def compare(remains: Remains, stored: Stored, counted: Mapping[str, int], totals: Totals, findings: Findings) -> None:
    """Stored and lost add up to committed, and every count of a writer is in the store."""
    lapped = counted.get("lapped", 0)
    totals.committed += remains.events
    totals.stored += stored.events + stored.outside
    totals.lost.update(counted)
    if twice := stored.duplicates():
        totals.duplicated += twice
        findings.note("stored twice", f"{twice} events of process {remains.pid}")
    kept = stored.events + stored.outside
    missing = remains.events - kept - lapped
    if missing:
        totals.missing += missing
        findings.note(
            "missing" if missing > 0 else "too many",
            f"process {remains.pid}: {remains.events} committed, {kept} stored, {lapped} lapped",
        )
    if stored.ending and not lapped:
        findings.note("last records not stored", f"{len(stored.ending)} of process {remains.pid}")
    for reason in LOSS_REASONS:
        if reason != "lapped" and remains.lost_for(reason) != counted.get(reason, 0):
            findings.note(
                f"{reason}: another count", f"{remains.pid}: {remains.lost_for(reason)}, {counted.get(reason, 0)} told"
            )


def compare_accounts(
    accounts: Iterable[Account], remains: Remains, stored: Stored, counted: Mapping[str, int], findings: Findings
) -> None:
    """What a process's writers did is committed or lost, up to the one call in which each may have been killed."""
    accounts = list(accounts)
    # A definition that finds no room costs a name and no event.
    lost = sum(remains.lost_for(reason) for reason in LOSS_REASONS if reason != "definitions_full")
    begun, done = sum(each.begun for each in accounts), sum(each.done for each in accounts)
    if not done <= remains.events - stored.outside + lost <= begun:
        what = f"{done} done, {begun} begun, {remains.events} committed, {lost} lost"
        findings.note("committed is not what was done", f"process {remains.pid}: {what}")
    absent = 0
    known = {each.writer for each in accounts}
    for each in accounts:
        numbers = set(stored.carried.get(each.writer, ()))
        if numbers and max(numbers) >= each.carried_begun:
            findings.note("never written", f"{max(numbers)} of writer {each.writer}")
        absent += len(set(range(each.carried_done)) - numbers)
    if strangers := stored.carried.keys() - known:
        findings.note("written by nobody", f"{len(strangers)} writers in process {remains.pid}")
    if absent > sum(counted.values()):
        findings.note("gaps beyond what is counted", f"process {remains.pid}: {absent}, {dict(counted)} counted")


def _ending(remains: Remains) -> set[bytes]:
    return {record for lane in remains.lanes for record in lane.ending}


def _records(data: bytes) -> Iterable[tuple[int, int]]:
    offset = 0
    while offset < len(data):
        end = record_end(data, offset, len(data))
        yield offset, end
        offset = end
