"""Positions are taken from some instructions, and all others keep theirs."""

from __future__ import annotations

from types import CodeType

import pytest

from scope.instrument.transform.linetable import _rewritten, without_entry_lines

pytestmark = pytest.mark.transformed

SOURCE = """
def one(a, b): return call(a, [b, a]) + call(b, other=(a, b, a)) * call(a, call(b, call(a, b)))
def two(a, b):
    x = call(a, call(b, a))
    return (x, call(
        a
    ), x)
def three(a): return call(a)
"""


def functions() -> list[CodeType]:
    module = compile(SOURCE, "lines.py", "exec")
    return [constant for constant in module.co_consts if isinstance(constant, CodeType)]


@pytest.mark.parametrize("code", functions(), ids=lambda code: code.co_name)
def test_any_stretch_of_a_line_can_lose_its_position(code: CodeType) -> None:
    before = list(code.co_positions())
    lines = [line for line, *_ in before]
    tried = 0
    for begin in range(1, len(before)):
        for end in range(begin + 1, len(before) + 1):
            if set(lines[begin:end]) != {lines[begin - 1]}:
                continue  # a line begins within
            tried += 1
            table = b"".join(_rewritten(code.co_linetable, begin, end))
            after = list(code.replace(co_linetable=table).co_positions())
            nowhere = [(None, None, None, None)] * (end - begin)
            assert after == before[:begin] + nowhere + before[end:], (begin, end)
    assert tried


def test_code_without_a_probe_is_as_it_was() -> None:
    for code in functions():
        assert without_entry_lines(code) == code
