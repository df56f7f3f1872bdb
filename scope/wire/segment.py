"""A segment file read in plain Python, with every field checked: for ``doctor``, and as the model for the C reader.

It copies by ``pread``, so a file that shrinks meanwhile gives an error and no signal. Against a live writer it is right
as far as the order of reads goes (tail, ring, then intent); the C reader is the one with fences.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from .definitions import split_definitions
from .errors import WireError
from .header import parse_header
from .lane import LaneControl, LaneReading, parse_lane_control, read_ring
from .layout import (
    CONTROL_WORD,
    DEFINITIONS_LINE,
    DEFINITIONS_LINE_OFFSET,
    LANE_CONTROL_BYTES,
    LANE_HEAD,
    LANE_HEAD_OFFSET,
    LOSSES,
    PAGE_BYTES,
    PROCESS_LOSSES_OFFSET,
    WORD_BYTES,
)

if TYPE_CHECKING:
    from types import TracebackType


class SegmentFile:
    """A segment file open for reading; a context manager.

    Raises OSError when the file cannot be opened, WireError when it is no regular file, another
    user's, or its header is not valid.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status = os.fstat(self._file)
            if not stat.S_ISREG(status.st_mode):
                raise WireError(0, "not a regular file")
            if status.st_uid != os.geteuid():
                raise WireError(0, "it belongs to another user")
            self.header = parse_header(os.pread(self._file, PAGE_BYTES, 0), status.st_size)
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._file)

    @property
    def control(self) -> int:
        """The control word that the collector writes."""
        word: int = CONTROL_WORD.unpack(self._read(self.header.control_offset, CONTROL_WORD.size))[0]
        return word

    @property
    def losses(self) -> tuple[int, ...]:
        """Events lost that no lane could count, by reason in the order of ``LOSS_REASONS``."""
        return LOSSES.unpack(self._read(self.header.control_offset + PROCESS_LOSSES_OFFSET, LOSSES.size))

    def lane(self, number: int) -> LaneControl:
        """Raises IndexError for a lane that is not there, WireError for a control that no writer leaves."""
        if not 0 <= number < self.header.lanes:
            raise IndexError(f"lane {number} of {self.header.lanes}")
        at = self.header.lane_control(number)
        # The head comes first: read after the tail, it could be that of a later moment and lie beyond it.
        head = self._read(at + LANE_HEAD_OFFSET, LANE_HEAD.size)
        whole = self._read(at, LANE_CONTROL_BYTES)
        return parse_lane_control(whole[:LANE_HEAD_OFFSET] + head + whole[LANE_HEAD_OFFSET + LANE_HEAD.size :])

    def read(self, number: int) -> LaneReading:
        """What lane ``number`` holds beyond what is stored. Raises as :meth:`lane`."""
        control = self.lane(number)
        if control.tail == control.head:
            return LaneReading(())
        capacity = self.header.lane_capacity(number)
        ring = self._read(self.header.lane_data(number), capacity)
        intent = self.lane(number).intent
        if intent < control.tail or intent % self.header.block_bytes:
            raise WireError(0, f"lane {number} is written up to {control.tail}, announced up to {intent}")
        start = max(control.head, intent - capacity)
        reading = read_ring(ring, start, control.tail, self.header.block_bytes)
        return replace(reading, lapped_bytes=start - control.head)

    def definitions(self) -> list[bytes]:
        """The entries written so far, number 1 first; ask after reading lanes, so that none of theirs is missing.

        Raises WireError for entries that no writer leaves.
        """
        line = self._read(self.header.control_offset + DEFINITIONS_LINE_OFFSET, DEFINITIONS_LINE.size)
        tail, _ = DEFINITIONS_LINE.unpack(line)
        if tail % WORD_BYTES or tail > self.header.definitions_bytes:
            raise WireError(0, f"definitions are written up to {tail} of {self.header.definitions_bytes} bytes")
        return list(split_definitions(self._read(self.header.definitions_offset, tail)))

    def _read(self, offset: int, size: int) -> bytes:
        data = os.pread(self._file, size, offset)
        if len(data) < size:
            raise WireError(offset + len(data), "the file has been cut short")
        return data
