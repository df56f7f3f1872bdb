"""Blocks: the records of many requests compressed as one, with a directory that serves look-ups by id.

Requests of the same length are mostly requests of the same kind, whose records differ in a few bytes at the same
places. So the requests of a batch are put in the order of their lengths, and where 16 or more in a block have one
length they are a bundle: what they have in common is written once, the rest byte by byte of all. Of FastAPI requests
a quarter is left for deflate to look at, in which equal bytes stand together.

The directory stands for an index on ids: ids are random, so a B-tree of them dirties a page per request (measured:
13 us each at 300,000 rows, and growing), whereas appending 24 bytes to a block costs nothing and a search reads them at
the speed of memory.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections import Counter
from itertools import accumulate
from operator import itemgetter
from struct import pack, unpack
from typing import TYPE_CHECKING, Final, NamedTuple

from .._core import bundle
from .bundles import Bundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["BLOCK_BYTES", "Block", "Contents", "OpenBlock", "compress", "decompress", "pack_blocks"]

BLOCK_BYTES: Final = 128 * 1024
"""Raw bytes that a block holds at most, unless one request alone has more."""
_BUNDLED: Final = 16
"""So many requests of one length in a block are bundled; part of the format."""
_LEVEL: Final = 1
_TRACE_BYTES: Final = 16


class Block(NamedTuple):
    """A row of the table of blocks; what the columns hold is told there."""

    block: int
    requests: bytes
    sizes: bytes
    traces: bytes
    spans: bytes
    ids: str | None
    data: bytes


class Contents(NamedTuple):
    """What goes into blocks, column by column; ``spans`` are unsigned 64-bit numbers."""

    requests: Sequence[int]
    blobs: Sequence[bytes]
    traces: Sequence[bytes]
    spans: Sequence[int]
    ids: Sequence[str | None]

    def picked(self, order: Sequence[int]) -> Contents:
        if len(order) < 2:
            return self
        pick = itemgetter(*order)
        return Contents(pick(self.requests), pick(self.blobs), pick(self.traces), pick(self.spans), pick(self.ids))

    def part(self, start: int, stop: int) -> Contents:
        part = slice(start, stop)
        return Contents(self.requests[part], self.blobs[part], self.traces[part], self.spans[part], self.ids[part])


def pack_blocks(first: int, contents: Contents) -> tuple[list[Block], list[int]]:
    """``contents`` in blocks numbered from ``first`` on, and for each request the block that it is in."""
    sizes = list(map(len, contents.blobs))
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    ordered = contents.picked(order)
    sizes.sort()
    blocks: list[Block] = []
    places = [first] * len(sizes)
    for number, (start, stop) in enumerate(_cuts(sizes), first):
        blocks.append(_pack(number, ordered.part(start, stop), sizes[start:stop]))
        for index in order[start:stop] if number > first else ():
            places[index] = number
    return blocks, places


class OpenBlock:
    """A block decompressed, from the columns of its row."""

    def __init__(self, requests: bytes, sizes: bytes, data: bytes) -> None:
        numbers = unpack(f"<{len(requests) // 8}q", requests)
        self._indexes = {number: index for index, number in enumerate(numbers)}
        self._sizes = unpack(f"<{len(sizes) // 4}I", sizes)
        self._data = decompress(data)
        self._starts = self._find_starts()

    def records(self, request: int) -> bytes:
        """The records of ``request``. Raises KeyError when it isn't in the block."""
        index = self._indexes[request]
        size = self._sizes[index]
        first, last = bisect_left(self._sizes, size), bisect_right(self._sizes, size)
        start, count = self._starts[size], last - first
        if count >= _BUNDLED:
            return Bundle(self._data, start, size, count).row(index - first)
        start += (index - first) * size
        return self._data[start : start + size]

    def _find_starts(self) -> dict[int, int]:
        """Where the requests of each size begin."""
        starts: dict[int, int] = {}
        end = 0
        for size, count in Counter(self._sizes).items():
            starts[size] = end
            end = Bundle(self._data, end, size, count).end if count >= _BUNDLED else end + size * count
        return starts


def compress(data: bytes) -> bytes:
    return zlib.compress(data, _LEVEL)


def decompress(data: bytes) -> bytes:
    return zlib.decompress(data)


def _cuts(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    ends = list(accumulate(sizes))
    start = passed = 0
    while start < len(ends):
        stop = max(bisect_right(ends, passed + BLOCK_BYTES), start + 1)
        yield start, stop
        start, passed = stop, ends[stop - 1]


def _pack(number: int, contents: Contents, sizes: Sequence[int]) -> Block:
    count = len(sizes)
    has_ids = contents.ids.count(None) < count
    return Block(
        number,
        pack(f"<{count}q", *contents.requests),
        pack(f"<{count}I", *sizes),
        _join_traces(contents.traces),
        pack(f">{count}Q", *contents.spans),
        _join_ids(contents.ids) if has_ids else None,
        compress(b"".join(_grouped(contents.blobs, sizes))),
    )


def _grouped(blobs: Sequence[bytes], sizes: Sequence[int]) -> Iterator[bytes]:
    """The blobs, which are in the order of ``sizes``, with those of one length bundled where they are many."""
    start = 0
    while start < len(sizes):
        size = sizes[start]
        stop = bisect_right(sizes, size, start)
        group = blobs[start:stop]
        if stop - start >= _BUNDLED:
            yield bundle(group)
        else:
            yield from group
        start = stop


def _join_traces(traces: Sequence[bytes]) -> bytes:
    joined = b"".join(traces)
    if len(joined) != _TRACE_BYTES * len(traces):
        joined = b"".join(trace[:_TRACE_BYTES].ljust(_TRACE_BYTES, b"\0") for trace in traces)
    return joined


def _join_ids(ids: Sequence[str | None]) -> str:
    return "\n" + "\n".join((each or "").replace("\n", " ") for each in ids) + "\n"
