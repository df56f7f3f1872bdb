"""Definitions: what the site ids of a segment stand for, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..model import Definition, DefinitionKind, FunctionKind
from .cursor import Cursor
from .errors import WireError
from .layout import DEFINITION, WORD_BYTES, padded
from .values import decode_attributes, encode_attributes, encode_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: Final = {int(kind): kind for kind in DefinitionKind}
_WITH_ATTRIBUTES: Final = frozenset({DefinitionKind.RESOURCE, DefinitionKind.SHED})
_FUNCTION_KINDS: Final = {int(kind): kind for kind in FunctionKind}


def decode_definition(entry: bytes) -> Definition:
    """The definition in one whole entry, header included. Raises WireError for anything else."""
    size = _entry_size(entry, 0, len(entry))
    if size != len(entry):
        raise WireError(size, f"{len(entry) - size} bytes follow the entry")
    _, number, _ = DEFINITION.unpack_from(entry)
    kind = _KINDS.get(number)
    if kind is None:
        raise WireError(4, f"no definition has kind {number}")
    cursor = Cursor(entry, DEFINITION.size, size)
    if kind in _WITH_ATTRIBUTES:
        return Definition(kind, "", attributes=decode_attributes(cursor))
    if kind is DefinitionKind.CODE:
        return _decode_code(cursor)
    return Definition(kind, cursor.text16())


def _decode_code(cursor: Cursor) -> Definition:
    module, name, file, line = cursor.text16(), cursor.text16(), cursor.text16(), cursor.u32()
    function_kind = _FUNCTION_KINDS.get(cursor.u8())
    if function_kind is None:
        cursor.fail("no such kind of function")
    return Definition(DefinitionKind.CODE, name, module, file, line, function_kind)


def encode_definition(definition: Definition) -> bytes:
    """The whole entry of ``definition``. Raises ValueError for what the format has no room for."""
    payload = _payload(definition)
    size = padded(DEFINITION.size + len(payload))
    return (DEFINITION.pack(size, definition.kind, 0) + payload).ljust(size, b"\0")


def _payload(definition: Definition) -> bytes:
    if definition.kind in _WITH_ATTRIBUTES:
        return encode_attributes(definition.attributes)
    if definition.kind is not DefinitionKind.CODE:
        return encode_text(definition.name)
    if not 0 <= definition.line < 1 << 32:
        raise ValueError(f"line {definition.line} does not fit its field")
    texts = b"".join(map(encode_text, (definition.module, definition.name, definition.file)))
    return texts + definition.line.to_bytes(4, "little") + bytes((definition.function_kind,))


def split_definitions(data: bytes) -> Iterator[bytes]:
    """The entries that ``data``, the written part of a definitions area, consists of."""
    offset = 0
    while offset < len(data):
        end = offset + _entry_size(data, offset, len(data))
        yield data[offset:end]
        offset = end


def _entry_size(data: bytes, offset: int, limit: int) -> int:
    if limit - offset < DEFINITION.size:
        raise WireError(offset, f"an entry cut off after {limit - offset} bytes")
    size: int = DEFINITION.unpack_from(data, offset)[0]
    if size <= DEFINITION.size or size % WORD_BYTES:
        raise WireError(offset, f"{size} bytes are no entry")
    if size > limit - offset:
        raise WireError(offset, f"an entry of {size} bytes where {limit - offset} are left")
    return size
