"""Which requests a reference may mean: ids and their prefixes, found in the directories of the blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import unpack_from
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...model import RequestSummary
    from .archive import Database

__all__ = ["Reference"]

_HEX: Final = re.compile(r"[0-9a-f]+")
_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Reference:
    """A correlation, trace or span id that somebody typed; whole, or just its beginning."""

    text: str
    whole: bool

    def means(self, request: RequestSummary) -> bool:
        ids = (request.trace_id, request.span_id)
        if self.whole:
            return self.text == request.id or self._digits in ids
        return request.id.startswith(self.text) or any(self._digits and each.startswith(self._digits) for each in ids)

    def search(self, database: Database) -> Iterator[int]:
        """Numbers of the requests of a slice that this means, the latest stored first; some more than once."""
        columns = "SELECT requests, traces, spans, ids FROM blocks ORDER BY block DESC"
        for requests, traces, spans, ids in database.rows(columns):
            for index in self._indexes(traces, spans, ids):
                yield unpack_from("<q", requests, 8 * index)[0]

    @property
    def _digits(self) -> str:
        """The text as ids are written; empty where it is none of hexadecimal digits."""
        digits = self.text.lower()
        return digits if _HEX.fullmatch(digits) else ""

    def _indexes(self, traces: bytes, spans: bytes, ids: str | None) -> Iterator[int]:
        for packed, width in ((traces, _TRACE_BYTES), (spans, _SPAN_BYTES)):
            length = len(self._digits)
            if length == 2 * width or (0 < length < 2 * width and not self.whole):
                yield from _with_prefix(packed, width, self._digits)
        line = f"\n{self.text}\n" if self.whole else f"\n{self.text}"
        place = -1 if ids is None else ids.find(line)
        while ids is not None and place >= 0:
            yield ids.count("\n", 0, place)
            place = ids.find(line, place + 1)


def _with_prefix(packed: bytes, width: int, digits: str) -> Iterator[int]:
    """Indexes of the entries of ``width`` bytes whose hexadecimal form begins with ``digits``."""
    octets = bytes.fromhex(digits[: len(digits) // 2 * 2])
    place = packed.find(octets)
    while 0 <= place < len(packed):
        if place % width == 0 and packed[place : place + width].hex().startswith(digits):
            yield place // width
        place = packed.find(octets, place + 1)
