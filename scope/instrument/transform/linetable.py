"""Takes the line from the instructions that enter a probe, so that a tracer sees no line twice.

The compiler gives instructions without a position that of the instructions before them, here that of the ``def``.
The format of ``co_linetable`` is CPython's ("locations table"), the same in 3.11 to 3.14: entries of one byte, bit
7 set, four bits of kind and three of length in code units less one, and of what the kind needs; a line is a difference
to the one before.
"""

from __future__ import annotations

import opcode
from types import CodeType
from typing import TYPE_CHECKING, Final

from .nodes import OPERANDS, STATEMENTS, decided

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORT_KINDS: Final = range(10)
_ONE_LINE_KINDS: Final = range(10, 13)
_NO_COLUMNS: Final = 13
_LONG: Final = 14
_NONE: Final = 15
_MOST_UNITS: Final = 8

_RESUME: Final = opcode.opmap["RESUME"]
_LOAD_CONST: Final = opcode.opmap["LOAD_CONST"]
_EXTENDED_ARG: Final = opcode.opmap["EXTENDED_ARG"]
_POP_TOP: Final = opcode.opmap["POP_TOP"]


def without_entry_lines(code: CodeType) -> CodeType:
    """``code`` with probes in it that are entered at no line, in the functions within it, too."""
    constants = tuple(without_entry_lines(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    span = _entry(code)
    table = code.co_linetable if span is None else b"".join(_rewritten(code.co_linetable, *span))
    return code.replace(co_consts=constants, co_linetable=table)


def _entry(code: CodeType) -> tuple[int, int] | None:
    """From where to where, in code units, the probe is entered, and what is added to the first statement is loaded."""
    units = code.co_code
    resume = next((at for at in range(0, len(units), 2) if units[at] == _RESUME), None)
    if resume is None:
        return None
    begin = resume + 2
    if decided(_loaded(code, begin)[0]) is None:
        return None
    end = _after_pop(units, begin)
    positions = list(code.co_positions())
    while positions[end // 2] == positions[resume // 2] and (after := _after_point(code, end)):
        end = after
    return begin // 2, end // 2


def _after_point(code: CodeType, at: int) -> int | None:
    """What comes after a point that is loaded at ``at``: of one that is a statement, after that; None where none is."""
    constant, after = _loaded(code, at)
    if constant in STATEMENTS:
        return _after_pop(code.co_code, after)
    return after if constant in OPERANDS else None


def _after_pop(units: bytes, at: int) -> int:
    return next(end for end in range(at, len(units), 2) if units[end] == _POP_TOP) + 2


def _loaded(code: CodeType, at: int) -> tuple[object, int]:
    """The constant that the instruction at ``at`` loads, None for none, and where the next instruction is."""
    units, argument = code.co_code, 0
    while units[at] == _EXTENDED_ARG:
        argument, at = (argument | units[at + 1]) << 8, at + 2
    return code.co_consts[argument | units[at + 1]] if units[at] == _LOAD_CONST else None, at + 2


def _rewritten(table: bytes, begin: int, end: int) -> Iterator[bytes]:
    """The table with no position from ``begin`` to ``end``; entries that reach in or out are cut."""
    at = 0
    for entry, units in _entries(table):
        before, within, after = (
            max(0, min(at + units, begin) - at),
            max(0, min(at + units, end) - max(at, begin)),
            max(0, at + units - max(at, end)),
        )
        at += units
        if not within:
            yield entry
            continue
        if before:
            yield _of_length(entry, before)
        yield bytes([0x80 | _NONE << 3 | within - 1])
        if after:
            yield _of_length(_on_same_line(entry) if before else entry, after)
        elif not before:
            yield from _line_only(entry)


def _entries(table: bytes) -> Iterator[tuple[bytes, int]]:
    """Each entry with the number of code units that it is about."""
    begin = 0
    for at in range(1, len(table) + 1):
        if at == len(table) or table[at] & 0x80:
            yield table[begin:at], (table[begin] & 7) + 1
            begin = at


def _kind(entry: bytes) -> int:
    return entry[0] >> 3 & 15


def _of_length(entry: bytes, units: int) -> bytes:
    assert 1 <= units <= _MOST_UNITS
    return bytes([entry[0] & ~7 | units - 1]) + entry[1:]


def _on_same_line(entry: bytes) -> bytes:
    """The entry where the one before it is of its line."""
    kind = _kind(entry)
    if kind in _ONE_LINE_KINDS:
        return bytes([0x80 | _ONE_LINE_KINDS[0] << 3 | entry[0] & 7]) + entry[1:]
    if kind in {_NO_COLUMNS, _LONG}:
        rest = entry[1:]
        while rest[0] & 0x40:
            rest = rest[1:]
        return entry[:1] + b"\0" + rest[1:]
    return entry


def _line_only(entry: bytes) -> Iterator[bytes]:
    """Nothing, where an entry that is left out is of the line before it."""
    assert _on_same_line(entry) == entry, "the entry of a probe has a line of its own"
    yield from ()
