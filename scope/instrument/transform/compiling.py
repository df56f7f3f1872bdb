"""Source of a module to code with stand-ins, through a cache of our own."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

from ...errors import ScopeError
from .candidates import chooser
from .functions import transform
from .linetable import without_entry_lines

if TYPE_CHECKING:
    from types import CodeType

    from ..plan import Plan
    from .cache import CodeCache


class Refused(ScopeError):
    """A module or function that is left as it is; the message says why."""


Stamp = tuple[int, int]
"""The state of a source file: its time of change in ns and its size in bytes."""


def stamp_of(file: str) -> Stamp:
    """Raises OSError."""
    found = os.stat(file)
    return found.st_mtime_ns, found.st_size


def compile_planned(plan: Plan, cache: CodeCache | None, module: str, file: str) -> CodeType | None:
    """The module's code with stand-ins where ``plan`` wants probes; None where it wants none.

    Raises OSError where ``file`` cannot be read, SyntaxError or ValueError where it cannot be compiled, and Refused
    where it can, but not with blocks around its functions.
    """
    key = (module, file, *stamp_of(file))
    if cache is not None and (found := cache.get(key)) is not None:
        return found.code
    with open(file, "rb") as stream:
        source = stream.read()
    code = compile_source(plan, module, file, source)
    if cache is not None:
        cache.put(key, code)
    return code


def compile_source(plan: Plan, module: str, file: str, source: bytes) -> CodeType | None:
    """As :func:`compile_planned`, of ``source``."""
    tree = ast.parse(source, file)
    if not transform(tree, chooser(plan, module, file, source)):
        return None
    try:
        return without_entry_lines(_compile(tree, file))
    except (SyntaxError, RecursionError) as error:
        compile_plain(source, file)
        raise Refused(f"{module} cannot have its functions recorded: {error}") from error


def compile_plain(source: bytes, file: str) -> CodeType:
    """The module's code as an import compiles it."""
    return _compile(source, file)


def _compile(source: ast.Module | bytes, file: str) -> CodeType:
    code: CodeType = compile(source, file, "exec", dont_inherit=True)
    return code
