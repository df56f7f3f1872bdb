"""Lets a function that is put into a block end at as many places as it did before.

Where a body ends without a ``return``, the compiler ends the function at each place that leads there, with that place's
line. Out of a block all of them go through the block's one exit, which has the line of one of them: a tracer, and so a
coverage tool, would see a line that did not run. A ``return`` without a position, at each such place, undoes that.
"""

from __future__ import annotations

import ast
from typing import Final

from .nodes import leave

_LEFT: Final = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def end_apart(body: list[ast.stmt]) -> None:
    """End ``body``, the last of its function, in place with a ``return`` wherever it ends without one."""
    last = body[-1] if body else None
    if isinstance(last, _LEFT):
        return
    if isinstance(last, ast.If):
        end_apart(last.body)
        end_apart(last.orelse)
        return
    if isinstance(last, ast.Try) and not last.finalbody:
        end_apart(last.orelse)
        for handler in last.handlers:
            end_apart(handler.body)
        return
    if isinstance(last, ast.With | ast.AsyncWith):
        end_apart(last.body)  # what comes after a swallowed exception has the line of the with, there and here
        return
    if isinstance(last, ast.For | ast.AsyncFor | ast.While):
        end_apart(last.orelse)
    elif isinstance(last, ast.Match):
        for case in last.cases:
            end_apart(case.body)
    body.append(leave())
