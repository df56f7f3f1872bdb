"""Definitions survive the wire, and nothing malformed becomes one."""

from __future__ import annotations

import pytest

from scope.model import Definition, DefinitionKind
from scope.wire.definitions import decode_definition, encode_definition, split_definitions
from scope.wire.errors import WireError

from .samples import DEFINITIONS

ENTRIES = [encode_definition(definition) for definition in DEFINITIONS]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.kind.name)
def test_every_definition_comes_back_as_it_was(definition: Definition) -> None:
    entry = encode_definition(definition)
    assert decode_definition(entry) == definition
    assert len(entry) % 8 == 0


def test_every_kind_has_a_sample() -> None:
    assert {definition.kind for definition in DEFINITIONS} == set(DefinitionKind)


def test_area_splits_into_its_entries() -> None:
    assert list(split_definitions(b"".join(ENTRIES))) == ENTRIES
    assert list(split_definitions(b"")) == []


@pytest.mark.parametrize(
    ("entry", "offset", "reason"),
    [
        (b"", 0, "an entry cut off after 0 bytes"),
        (ENTRIES[0][:7], 0, "an entry cut off after 7 bytes"),
        (ENTRIES[0][:-8], 0, "an entry of 24 bytes where 16 are left"),
        (ENTRIES[0] + bytes(8), 24, "8 bytes follow the entry"),
        (b"\x00\x00\x00\x00" + ENTRIES[0][4:], 0, "0 bytes are no entry"),
        (b"\x0c\x00\x00\x00" + ENTRIES[0][4:], 0, "12 bytes are no entry"),
        (b"\x08\x00\x00\x00" + ENTRIES[0][4:], 0, "8 bytes are no entry"),
        (b"\x10\x00\x00\x00\x05\x00\x00\x00" + bytes(8), 4, "no definition has kind 5"),
        (b"\x10\x00\x00\x00\x01\x00\x00\x00\x07" + bytes(7), 10, "7 bytes wanted where 6 are left"),
        (b"\x18\x00\x00\x00\x02\x00\x00\x00" + bytes(10) + b"\x04" + bytes(5), 19, "no such kind of function"),
    ],
)
def test_malformed_entry_is_an_error(entry: bytes, offset: int, reason: str) -> None:
    with pytest.raises(WireError) as caught:
        decode_definition(entry)
    assert (caught.value.offset, caught.value.reason) == (offset, reason)


def test_area_with_a_broken_entry_gives_those_before_it() -> None:
    entries = split_definitions(ENTRIES[0] + b"\x07\x00\x00\x00\x01\x00\x00\x00")
    assert next(entries) == ENTRIES[0]
    with pytest.raises(WireError, match=f"byte {len(ENTRIES[0])}: 7 bytes are no entry"):
        next(entries)


@pytest.mark.parametrize("line", [-1, 1 << 32])
def test_line_that_does_not_fit_is_an_error(line: int) -> None:
    with pytest.raises(ValueError, match="does not fit its field"):
        encode_definition(Definition(DefinitionKind.CODE, "f", "m", "m.py", line))
