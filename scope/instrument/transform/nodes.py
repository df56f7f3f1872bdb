"""The syntax that is added: blocks and operators whose operands are constants, so that no scope gets a new name.

What is added has no position: the compiler gives it none, or that of what stands before it, so neither line events
nor tracebacks meet it. ``compile`` takes no objects of ours as constants: stand-ins go in, and what they stand for is
put in their place in the code (:mod:`.binding`).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from ..plan import Decision

Request = tuple[str | None, str | None, str | None, str | None]
"""The parts of a condition."""
Case = tuple[Request, int]
Decided = tuple[int, tuple[Case, ...]]
"""A decision of a Plan in constants: the number of the level, and the cases."""
StandIn = tuple[str, str] | tuple[tuple[str, str], int, tuple[Case, ...]]

NOWHERE: Final[Any] = {"lineno": -1, "end_lineno": -1, "col_offset": -1, "end_col_offset": -1}

_PROBE: Final = ("\0scope", "PROBE")
SUSPEND: Final = ("\0scope", "SUSPEND")
RESUME: Final = ("\0scope", "RESUME")
DELEGATE: Final = ("\0scope", "DELEGATE")
CATCH: Final = ("\0scope", "CATCH")
RESULT: Final = ("\0scope", "RESULT")
LOCALS: Final = ("\0scope", "LOCALS")
LINE: Final = ("\0scope", "LINE")
OPERANDS: Final = frozenset({SUSPEND, RESUME, DELEGATE, CATCH, RESULT})
STATEMENTS: Final = frozenset({LOCALS, LINE})


def probe(decision: Decision) -> StandIn:
    """What stands for the probe of a function that a Plan decided so about."""
    return (_PROBE, *in_constants(decision))


def in_constants(decision: Decision) -> Decided:
    """What of a decision is compiled into code, or kept without it."""
    cases = (((each.method, each.route, each.id, each.ticket), int(level)) for each, level in decision.cases)
    return int(decision.level), tuple(cases)


def decided(constant: object) -> Decided | None:
    """What was decided, where ``constant`` stands for a probe, else None."""
    parts = cast("tuple[object, ...]", constant) if isinstance(constant, tuple) else ()
    return cast("Decided", parts[1:]) if parts[:1] == (_PROBE,) else None


def block(stand_in: StandIn, body: list[ast.stmt], given: ast.expr | None = None) -> ast.With:
    """``with STAND_IN: body``, or ``with STAND_IN @ given: body``."""
    manager = _constant(stand_in) if given is None else passed(stand_in, given)
    return ast.With(items=[ast.withitem(context_expr=manager)], body=body, **NOWHERE)


def passed(stand_in: StandIn, value: ast.expr) -> ast.BinOp:
    """``STAND_IN @ value``, whose value is that of ``value``."""
    return ast.BinOp(left=_constant(stand_in), op=ast.MatMult(), right=value, **NOWHERE)


def leave() -> ast.Return:
    """``return``."""
    return ast.Return(**NOWHERE)


def none() -> ast.Constant:
    return ast.Constant(value=None, **NOWHERE)


def number(value: int) -> ast.Constant:
    return ast.Constant(value=value, **NOWHERE)


def _constant(stand_in: StandIn) -> ast.Constant:
    made: Any = ast.Constant  # the compiler takes tuples, too
    constant: ast.Constant = made(value=stand_in, **NOWHERE)
    return constant
