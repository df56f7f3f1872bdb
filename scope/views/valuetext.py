"""What was captured of a call, in few words behind its name, and in full below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .attributes import value_text
from .format import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import Attributes, CallValues, Locals, Span

__all__ = ["call_text", "value_lines"]

_VALUE_LENGTH: Final = 24
_CALL_LENGTH: Final = 100


def call_text(values: CallValues, value_length: int | None = None) -> tuple[str, str]:
    """``(basket=…, code=X)`` and ``→ 12.5``; empty where the one or the other was not captured."""
    length = min(value_length or _VALUE_LENGTH, _VALUE_LENGTH)
    arguments = ""
    if values.arguments is not None:
        inner = ", ".join(f"{name}={_cut(value_text(value), length)}" for name, value in values.arguments.items())
        arguments = f"({_cut(inner, _CALL_LENGTH)})"
    result = f"→ {_cut(value_text(values.result), length)}" if values.has_result else ""
    return arguments, result


def value_lines(span: Span) -> Iterator[str]:
    """Everything that was captured of a call, a line each."""
    values = span.values
    assert values is not None
    yield from _named(values.arguments or {}, "")
    if values.left_out:
        yield f"… {values.left_out} more arguments"
    yield from (f"yielded {value_text(value)}" for value in values.yielded)
    if values.has_result:
        yield f"→ {value_text(values.result)}"
    for each in values.locals:
        yield from _locals(each)
    for run in values.lines:
        yield f"line {run.line}: {format_duration(run.duration_ns)}{f' in {run.count} runs' * (run.count > 1)}"


def _locals(seen: Locals) -> Iterator[str]:
    when = f"before line {seen.line}" if seen.line else "as the exception left" if seen.at_error else "at the end"
    yield f"local variables {when}:"
    yield from _named(seen.values, "  ")
    if seen.left_out:
        yield f"  … {seen.left_out} more"


def _named(values: Attributes, indent: str) -> Iterator[str]:
    return (f"{indent}{name} = {value_text(value)}" for name, value in values.items())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
