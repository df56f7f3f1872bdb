"""A place in hostile bytes: reads forward, never past its end, never allocates by a length it has not checked."""

from __future__ import annotations

from struct import Struct
from typing import Any, Final, Never

from .errors import WireError

_U32: Final = Struct("<I")
_I64: Final = Struct("<q")
_F64: Final = Struct("<d")


class Cursor:
    """Reads ``data`` from ``offset`` up to ``end``; whatever does not fit raises :class:`WireError`."""

    __slots__ = ("_data", "_end", "offset")

    def __init__(self, data: bytes, offset: int, end: int) -> None:
        self._data = data
        self._end = end
        self.offset = offset

    def fail(self, reason: str) -> Never:
        raise WireError(self.offset, reason)

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return self._end - self.offset

    def take(self, form: Struct) -> tuple[Any, ...]:
        """The values of ``form``."""
        return form.unpack_from(self._data, self._advance(form.size))

    def u8(self) -> int:
        return self._data[self._advance(1)]

    def u16(self) -> int:
        start = self._advance(2)
        return self._data[start] | self._data[start + 1] << 8

    def u32(self) -> int:
        return int(self.take(_U32)[0])

    def i64(self) -> int:
        return int(self.take(_I64)[0])

    def f64(self) -> float:
        return float(self.take(_F64)[0])

    def bytes16(self) -> bytes:
        """Bytes after their 16-bit length."""
        size = self.u16()
        start = self._advance(size)
        return self._data[start : start + size]

    def text16(self) -> str:
        """A ``str16``; ill-formed UTF-8 is replaced, so that damage to a name does not hide the record."""
        return self.bytes16().decode("utf-8", "replace")

    def _advance(self, size: int) -> int:
        start = self.offset
        if size > self._end - start:
            self.fail(f"{size} bytes wanted where {self._end - start} are left")
        self.offset = start + size
        return start
