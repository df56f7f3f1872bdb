"""Describes an exception: its type, a bounded message, a bounded stack. No source is read and no line cache filled."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from .cut import cut, cut_front
from .exception_message import guarded, message_of, related_to, type_name

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["DEFAULT_LIMITS", "Description", "ExceptionLimits", "describe"]

StackFrame: TypeAlias = tuple[str, str, int, bool]
"""File, qualified name of the function, line, and whether it is the application's own code."""

Description: TypeAlias = tuple[str, str, list[StackFrame]]
"""Qualified name of the type, message, frames with the outermost first."""

FILE_CHARACTERS: Final = 240
FUNCTION_CHARACTERS: Final = 120
FRAME_BYTES: Final = 10
"""What a frame takes besides its names."""


@dataclass(frozen=True, slots=True)
class ExceptionLimits:
    """``message_bytes`` and ``stack_bytes`` are of UTF-8; ``frames`` counts the one that tells of frames left out."""

    message_bytes: int = 1024
    frames: int = 32
    stack_bytes: int = 6144


DEFAULT_LIMITS: Final = ExceptionLimits()


def describe(error: BaseException, limits: ExceptionLimits = DEFAULT_LIMITS) -> Description:
    """Type, message and frames of ``error``, within ``limits``.

    The message of an exception group goes on with its first members, that of a chained exception with what caused it.
    Raises nothing but KeyboardInterrupt and SystemExit, which a signal may bring while the application's code runs.
    """
    related = guarded(lambda: related_to(error), "")
    room = max(limits.message_bytes - len(related.encode()), limits.message_bytes // 4)
    message = cut(message_of(error, room), room) + related
    none: list[StackFrame] = []
    frames = guarded(lambda: _frames(error, limits), none)
    return type_name(error), cut(message, limits.message_bytes), frames


_FOREIGN: Final = (
    os.path.dirname(os.__file__) + os.sep,
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,
    "<",  # made at run time: frozen modules, generated methods
)
_SITE: Final = f"{os.sep}site-packages{os.sep}"
_DIST: Final = f"{os.sep}dist-packages{os.sep}"


def is_in_app(file: str) -> bool:
    """Whether a file is the application's: not the standard library's, an installed package's, ours or none at all."""
    return not (file.startswith(_FOREIGN) or _SITE in file or _DIST in file)


def _frames(error: BaseException, limits: ExceptionLimits) -> list[StackFrame]:
    """At most ``limits.frames``: of a longer stack the outermost quarter, how many are left out, and the innermost."""
    outer = limits.frames // 4
    marked = limits.frames >= 4
    first: list[TracebackType] = []
    last: deque[TracebackType] = deque(maxlen=limits.frames - outer - marked)
    count = 0
    at = error.__traceback__
    while at is not None:
        if count < limits.frames:
            first.append(at)
        last.append(at)
        count += 1
        at = at.tb_next
    if count <= limits.frames:
        return _fitted([_frame(each) for each in first], limits)
    left_out: list[StackFrame] = [("", f"… {count - outer - len(last)} frames …", 0, False)] if marked else []
    return _fitted([*map(_frame, first[:outer]), *left_out, *map(_frame, last)], limits)


def _frame(at: TracebackType) -> StackFrame:
    code = at.tb_frame.f_code
    return (
        code.co_filename[-FILE_CHARACTERS:],
        code.co_qualname[:FUNCTION_CHARACTERS],
        at.tb_lineno,
        is_in_app(code.co_filename),
    )


def _fitted(frames: list[StackFrame], limits: ExceptionLimits) -> list[StackFrame]:
    """``frames`` with long names cut, so that together they take at most ``limits.stack_bytes``."""
    if sum(_size(file) + _size(name) + FRAME_BYTES for file, name, _, _ in frames) <= limits.stack_bytes:
        return frames
    room = max(limits.stack_bytes // len(frames) - FRAME_BYTES, 0)
    for_file = room * 2 // 3
    return [
        (cut_front(file, for_file), cut_front(name, room - for_file), line, in_app)
        for file, name, line, in_app in frames
    ]


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
