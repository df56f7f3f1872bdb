"""Attribute values: a tag byte, then what it says; lists and maps nest at most four deep, so recursion is bounded."""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import TYPE_CHECKING, Final

from ..model import Cut, Instance, ObjectName, Part, Redacted
from .layout import MAX_DEPTH, MAX_INTEGER_DIGITS, MAX_ITEMS, MAX_TEXT_BYTES, Tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import Attributes, AttributeValue
    from .cursor import Cursor

_REDACTED: Final = Redacted()
_CONTAINERS: Final = frozenset({int(Tag.LIST), int(Tag.MAP), int(Tag.PART), int(Tag.INSTANCE)})
_INTEGER: Final = Struct("<Bq")
_FLOAT: Final = Struct("<Bd")
_CUT: Final = Struct("<BI")
_MIN_I64: Final = -(1 << 63)
_MAX_I64: Final = (1 << 63) - 1
_MAX_U32: Final = (1 << 32) - 1


# --- reading --------------------------------------------------------------------------------------------------------


def decode_attributes(cursor: Cursor) -> Attributes:
    """A counted run of keys and values; of equal keys the last one counts."""
    count = cursor.u16()
    return {cursor.text16(): decode_value(cursor) for _ in range(count)}


def decode_value(cursor: Cursor, depth: int = 0) -> AttributeValue:
    """The value at ``cursor``, which lies within ``depth`` lists and maps."""
    tag = cursor.u8()
    simple = _SIMPLE.get(tag)
    if simple is not None:
        return simple(cursor)
    if tag not in _CONTAINERS:
        cursor.fail(f"no value has tag {tag}")
    if depth == MAX_DEPTH:
        cursor.fail(f"values nest deeper than {MAX_DEPTH}")
    if tag == Tag.PART:
        return _decode_part(cursor, depth)
    if tag == Tag.INSTANCE:
        return _decode_instance(cursor, depth)
    return _decode_items(cursor, tag, depth)


def _decode_items(cursor: Cursor, tag: int, depth: int) -> tuple[AttributeValue, ...] | Mapping[str, AttributeValue]:
    count = cursor.u8()
    if tag == Tag.LIST:
        return tuple(decode_value(cursor, depth + 1) for _ in range(count))
    return {cursor.text16(): decode_value(cursor, depth + 1) for _ in range(count)}


def _decode_part(cursor: Cursor, depth: int) -> AttributeValue:
    """A list or map that says how long it was; where it is whole, that alone."""
    length, tag = cursor.u32(), cursor.u8()
    if tag not in (Tag.LIST, Tag.MAP):
        cursor.fail(f"a value with tag {tag} is no part")
    items = _decode_items(cursor, tag, depth)
    return items if len(items) == length else Part(items, length)


def _decode_instance(cursor: Cursor, depth: int) -> Instance:
    type_name, is_part = cursor.text16(), cursor.u8() != 0
    attributes = _decode_items(cursor, Tag.MAP, depth)
    assert isinstance(attributes, Mapping)
    return Instance(type_name, attributes, is_part)


def _decode_cut(cursor: Cursor) -> Cut:
    length = cursor.u32()
    return Cut(cursor.text16(), length)


def _decode_big_integer(cursor: Cursor) -> int:
    number = cursor.bytes16()
    digits = number.removeprefix(b"-")
    if len(digits) > MAX_INTEGER_DIGITS or not digits.isdigit():
        cursor.fail(f"an integer beyond 64 bits is not at most {MAX_INTEGER_DIGITS} decimal digits")
    return int(number)


_SIMPLE: Final[dict[int, Callable[[Cursor], AttributeValue]]] = {
    Tag.NULL: lambda _: None,
    Tag.FALSE: lambda _: False,
    Tag.TRUE: lambda _: True,
    Tag.INTEGER: lambda cursor: cursor.i64(),
    Tag.FLOAT: lambda cursor: cursor.f64(),
    Tag.TEXT: lambda cursor: cursor.text16(),
    Tag.BYTES: lambda cursor: cursor.bytes16(),
    Tag.CUT: _decode_cut,
    Tag.REDACTED: lambda _: _REDACTED,
    Tag.OBJECT: lambda cursor: ObjectName(cursor.text16()),
    Tag.BIG_INTEGER: _decode_big_integer,
}


# --- writing --------------------------------------------------------------------------------------------------------


def encode_text(text: str) -> bytes:
    """A ``str16``; lone surrogates are written as escapes. Raises ValueError beyond 65,535 bytes."""
    return _sized(text.encode("utf-8", "backslashreplace"))


def encode_attributes(attributes: Attributes) -> bytes:
    """A counted run of keys and values. Raises ValueError for what the format has no room for."""
    if len(attributes) > 0xFFFF:
        raise ValueError(f"{len(attributes)} attributes; at most 65535 fit")
    pairs = (encode_text(key) + encode_value(value) for key, value in attributes.items())
    return len(attributes).to_bytes(2, "little") + b"".join(pairs)


def encode_value(value: AttributeValue, depth: int = 0) -> bytes:
    """A value that lies within ``depth`` lists and maps. Raises ValueError for what the format has no room for."""
    if value is None:
        return bytes((Tag.NULL,))
    if isinstance(value, bool):
        return bytes((Tag.TRUE if value else Tag.FALSE,))
    if isinstance(value, int):
        return _encode_integer(value)
    if isinstance(value, float):
        return _FLOAT.pack(Tag.FLOAT, value)
    if isinstance(value, tuple | Mapping):
        return _encode_container(value, depth)
    if isinstance(value, Part):
        return _CUT.pack(Tag.PART, min(value.length, _MAX_U32)) + _encode_container(value.items, depth)
    return _encode_instance(value, depth) if isinstance(value, Instance) else _encode_text_like(value)


def _encode_instance(value: Instance, depth: int) -> bytes:
    attributes = _encode_container(value.attributes, depth)
    return bytes((Tag.INSTANCE,)) + encode_text(value.type_name) + bytes((value.is_part,)) + attributes[1:]


def _encode_text_like(value: str | bytes | Cut | Redacted | ObjectName) -> bytes:
    if isinstance(value, str):
        return bytes((Tag.TEXT,)) + encode_text(value)
    if isinstance(value, bytes):
        return bytes((Tag.BYTES,)) + _sized(value)
    if isinstance(value, Cut):
        return _CUT.pack(Tag.CUT, min(value.length, _MAX_U32)) + encode_text(value.text)
    if isinstance(value, Redacted):
        return bytes((Tag.REDACTED,))
    return bytes((Tag.OBJECT,)) + encode_text(value.type_name)


def _encode_integer(value: int) -> bytes:
    if _MIN_I64 <= value <= _MAX_I64:
        return _INTEGER.pack(Tag.INTEGER, value)
    if abs(value) >= 10**MAX_INTEGER_DIGITS:
        raise ValueError(f"an integer of more than {MAX_INTEGER_DIGITS} digits")
    return bytes((Tag.BIG_INTEGER,)) + encode_text(str(value))


def _encode_container(value: tuple[AttributeValue, ...] | Mapping[str, AttributeValue], depth: int) -> bytes:
    if depth == MAX_DEPTH:
        raise ValueError(f"values nest deeper than {MAX_DEPTH}")
    if len(value) > MAX_ITEMS:
        raise ValueError(f"{len(value)} items; at most {MAX_ITEMS} fit")
    if isinstance(value, Mapping):
        pairs = (encode_text(key) + encode_value(item, depth + 1) for key, item in value.items())
        return bytes((Tag.MAP, len(value))) + b"".join(pairs)
    return bytes((Tag.LIST, len(value))) + b"".join(encode_value(item, depth + 1) for item in value)


def _sized(raw: bytes) -> bytes:
    if len(raw) > MAX_TEXT_BYTES:
        raise ValueError(f"{len(raw)} bytes; at most {MAX_TEXT_BYTES} fit")
    return len(raw).to_bytes(2, "little") + raw
