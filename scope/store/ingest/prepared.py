"""Finished or open requests made ready for a table of requests, column by column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from struct import pack, unpack
from typing import TYPE_CHECKING, Any

from ..identity import KEY_BITS, KEY_MASK
from .notes import Noted, read_notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..batch import Columns
    from ..database import Row, Value
    from .looks import Look, Looks

__all__ = ["Prepared", "identities", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """``noted`` holds, by index, what is to be indexed of the few requests that have anything of the kind."""

    columns: Columns
    requests: Sequence[int]
    looks: Sequence[Look]
    durations_ns: Sequence[int]
    noted: Mapping[int, Noted]

    def rows(self, shapes: Sequence[int], blocks: Sequence[int | None]) -> Iterator[Row]:
        """Rows of the table of requests."""
        return zip(*self._fields(shapes, blocks, self.columns.trace_id, self.columns.id), strict=True)

    def bound_columns(self, shapes: Sequence[int], blocks: Sequence[int]) -> tuple[Iterable[Value], ...]:
        """Columns of that table as sqlite3 binds them fastest.

        "" stands for no id: bytes and None each cost a search for adapters, 1 us.
        """
        ids = [each or "" for each in self.columns.id]
        return self._fields(shapes, blocks, map(bytearray, self.columns.trace_id), ids)

    def _fields(
        self,
        shapes: Sequence[int],
        blocks: Sequence[int | None],
        traces: Iterable[bytes | bytearray],
        ids: Sequence[str | None],
    ) -> tuple[Iterable[Any], ...]:
        columns = self.columns
        return (
            self.requests,
            shapes,
            blocks,
            traces,
            _signed(columns.span_id),
            _signed(columns.remote_parent),
            ids,
            columns.path,
            columns.start_ns,
            columns.first_byte_ns,
            self.durations_ns,
            columns.end_ns,
            columns.spans,
            columns.events,
            columns.errors,
            columns.lost,
            columns.tracing_ns,
            columns.bytes_in,
            columns.bytes_out,
            columns.messages_in,
            columns.messages_out,
            columns.loop_wait_ns,
            columns.thread_wait_ns,
            columns.longest_step_ns,
        )

    def attribute_rows(self) -> Iterator[Row]:
        for index, noted in self.noted.items():
            for key, text, number in noted.attributes:
                yield self.requests[index], key, text, number

    def fingerprints(self, index: int) -> frozenset[str]:
        """Of the exceptions that the noted request at ``index`` recorded."""
        return frozenset(self.noted[index].by_fingerprint(self.looks[index].shape.route))

    def stored(self, index: int) -> Noted:
        """What was noted of the request at ``index``, once all of it is stored."""
        noted = self.noted[index]
        fingerprints = noted.fingerprints | self.fingerprints(index)
        return replace(noted, faults=(), fingerprints=fingerprints, earlier_error=noted.error)


def identities(columns: Columns) -> list[int]:
    """The numbers of the requests; a key too large, which only a damaged segment has, is cut."""
    keys = columns.key if max(columns.key) <= KEY_MASK else [key & KEY_MASK for key in columns.key]
    return [segment << KEY_BITS | key for segment, key in zip(columns.segment, keys, strict=True)]


def prepare(columns: Columns, requests: Sequence[int], looks: Looks, before: Mapping[int, Noted]) -> Prepared:
    """``before`` holds, by request, what was noted of it while it was open."""
    noted = _noted(columns, requests, before)
    traits = zip(
        columns.segment,
        columns.state,
        columns.kind,
        columns.flags,
        columns.complete,
        columns.status,
        columns.method,
        columns.route,
        columns.route_text,
        columns.outcome,
        columns.sites,
        strict=True,
    )
    keys: Iterable[tuple[object, ...]] = traits
    if noted:
        keys = list(traits)
        for index, extra in noted.items():
            keys[index] = (*keys[index], extra.error, extra.names)
    found = list(map(looks.__getitem__, keys))
    times = zip(columns.response_end_ns, columns.end_ns, columns.start_ns, strict=True)
    durations = [(response_end or end) - start for response_end, end, start in times]
    return Prepared(columns, requests, found, durations, noted)


def _noted(columns: Columns, requests: Sequence[int], before: Mapping[int, Noted]) -> dict[int, Noted]:
    if not before and not any(columns.notes):
        return {}
    found: dict[int, Noted] = {}
    for index, (request, notes) in enumerate(zip(requests, columns.notes, strict=True)):
        earlier = before.get(request)
        if notes or earlier:
            now = read_notes(notes)
            found[index] = earlier.followed_by(now) if earlier else now
    return found


def _signed(numbers: Sequence[int]) -> tuple[int, ...]:
    """Unsigned 64-bit numbers as SQLite takes them."""
    return unpack(f"<{len(numbers)}q", pack(f"<{len(numbers)}Q", *numbers))
