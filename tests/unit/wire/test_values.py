"""Attribute values survive the wire, and nothing malformed becomes a value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from scope.model import Cut
from scope.wire.cursor import Cursor
from scope.wire.errors import WireError
from scope.wire.layout import Tag
from scope.wire.values import decode_attributes, decode_value, encode_attributes, encode_text, encode_value

from .samples import VALUES

if TYPE_CHECKING:
    from scope.model import AttributeValue


def decoded(data: bytes) -> AttributeValue:
    cursor = Cursor(data, 0, len(data))
    value = decode_value(cursor)
    assert cursor.left == 0
    return value


def nested(depth: int) -> AttributeValue:
    value: AttributeValue = None
    for _ in range(depth):
        value = (value,)
    return value


@pytest.mark.parametrize("name", VALUES)
def test_every_value_comes_back_as_it_was(name: str) -> None:
    value = decoded(encode_value(VALUES[name]))
    assert value == VALUES[name]
    assert type(value) is type(VALUES[name])


def test_not_a_number_comes_back() -> None:
    value = decoded(encode_value(math.nan))
    assert isinstance(value, float)
    assert math.isnan(value)


def test_attributes_come_back_in_their_order() -> None:
    data = encode_attributes(VALUES)
    assert list(decode_attributes(Cursor(data, 0, len(data))).items()) == list(VALUES.items())


def test_of_equal_keys_the_last_one_counts() -> None:
    data = b"\x02\x00" + (encode_text("k") + encode_value(1)) + (encode_text("k") + encode_value(2))
    assert decode_attributes(Cursor(data, 0, len(data))) == {"k": 2}


def test_four_levels_fit_and_five_do_not() -> None:
    assert decoded(encode_value(nested(4))) == nested(4)
    with pytest.raises(ValueError, match="nest deeper than 4"):
        encode_value(nested(5))
    with pytest.raises(WireError, match="byte 9: values nest deeper than 4"):
        decoded(b"\x07\x01" * 5 + b"\x00")
    with pytest.raises(WireError, match="nest deeper"):
        decoded(b"\x0b\x01\x00\x00" * 5 + b"\x00")


def test_ill_formed_text_is_replaced_and_not_refused() -> None:
    assert decoded(bytes((Tag.TEXT, 3, 0)) + b"a\xffb") == "a�b"


def test_lone_surrogates_are_written_as_escapes() -> None:
    assert decoded(encode_value("a\udc80b")) == "a\\udc80b"


def test_length_of_a_cut_string_stays_within_its_field() -> None:
    assert decoded(encode_value(Cut("a", 1 << 40))) == Cut("a", (1 << 32) - 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "1 bytes wanted where 0 are left"),
        (b"\x0f", "no value has tag 15"),
        (b"\x0d\x01\x00\x00\x00\x00", "a value with tag 0 is no part"),
        (b"\x03\x00\x00", "8 bytes wanted where 2 are left"),
        (b"\x05\xff\xff", "65535 bytes wanted where 0 are left"),
        (b"\x07\x02\x00", "1 bytes wanted where 0 are left"),
        (b"\x0c\x00\x00", "decimal digits"),
        (b"\x0c\x01\x00-", "decimal digits"),
        (b"\x0c\x03\x00--1", "decimal digits"),
        (b"\x0c\x02\x00\xd9\xa1", "decimal digits"),
        (b"\x0c\x81\x02" + b"1" * 641, "at most 640 decimal digits"),
    ],
)
def test_malformed_value_is_an_error(data: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        decoded(data)


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_of_up_to_640_digits_fit(sign: int) -> None:
    assert decoded(encode_value(sign * (10**640 - 1))) == sign * (10**640 - 1)
    with pytest.raises(ValueError, match="more than 640 digits"):
        encode_value(sign * 10**640)


@pytest.mark.parametrize(
    "value", ["x" * 65_536, b"x" * 65_536, (None,) * 256, dict.fromkeys(map(str, range(256)))], ids=type
)
def test_what_has_no_room_is_an_error(value: AttributeValue) -> None:
    with pytest.raises(ValueError, match="fit"):
        encode_value(value)


def test_more_attributes_than_a_record_can_count_are_an_error() -> None:
    with pytest.raises(ValueError, match="65536 attributes"):
        encode_attributes(dict.fromkeys(map(str, range(65_536))))
