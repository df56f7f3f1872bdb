"""Random programs: what the code of a request may do to the context, as trees of operations.

A sync body runs in a function or a thread, an async body in a coroutine; async bodies may hold sync operations, and
sync ones come back to the loop by ``SPAWN``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import TypeAlias

from hypothesis import strategies as st

VARIABLES = 40
"""Foreign context variables: more than fit in one node of the mapping that a context is."""


class Kind(Enum):
    """What an operation does."""

    # sync
    ANNOTATE = auto()
    SET = auto()  # a foreign context variable
    PAUSE = auto()  # let other threads run
    RAISE = auto()
    CATCH = auto()
    CALL = auto()  # a probed function
    BLOCK = auto()  # with span
    HIDE = auto()  # with suppressed
    COPY_RUN = auto()  # copy_context().run
    KEEP = auto()  # a copy of the context, for RUN_KEPT, whoever does that
    RUN_KEPT = auto()
    GENERATE = auto()  # a probed generator; bodies alternate between it and its consumer
    LEND = auto()  # a probed generator, begun and left for others to resume
    RESUME = auto()  # one of those, by whoever comes
    THREAD = auto()
    SPAWN = auto()  # a task, from sync code in any thread
    # async
    PASS = auto()  # sleep(0)
    AWAIT = auto()  # a probed coroutine
    ASYNC_BLOCK = auto()
    GATHER = auto()
    TASK = auto()
    CANCEL = auto()  # a task, cancelled after `number` steps
    TO_THREAD = auto()
    EXECUTOR = auto()  # run_in_executor, which carries no context
    ASYNC_GENERATE = auto()


Body: TypeAlias = "tuple[Op, ...]"


@dataclass(frozen=True, slots=True)
class Op:
    """``number`` selects a variable, counts steps, or (odd) asks to go on without waiting."""

    kind: Kind
    bodies: tuple[Body, ...] = ()
    number: int = 0


_LEAVES = (Kind.ANNOTATE, Kind.SET, Kind.PAUSE, Kind.KEEP, Kind.RESUME, Kind.RAISE)
_WRAPPERS = (Kind.CALL, Kind.BLOCK, Kind.HIDE, Kind.CATCH, Kind.COPY_RUN, Kind.RUN_KEPT, Kind.THREAD)
_ASYNC_LEAVES = (*_LEAVES, Kind.PASS)
_ASYNC_WRAPPERS = (Kind.AWAIT, Kind.ASYNC_BLOCK, Kind.TASK, Kind.CANCEL)

_numbers = st.integers(0, VARIABLES - 1)


def _ops(kinds: tuple[Kind, ...], *bodies: st.SearchStrategy[Body]) -> st.SearchStrategy[Op]:
    return st.builds(Op, st.sampled_from(kinds), st.tuples(*bodies), _numbers)


def _several(kinds: tuple[Kind, ...], body: st.SearchStrategy[Body]) -> st.SearchStrategy[Op]:
    return st.builds(Op, st.sampled_from(kinds), st.lists(body, min_size=1, max_size=4).map(tuple), _numbers)


def _body(*ops: st.SearchStrategy[Op]) -> st.SearchStrategy[Body]:
    return st.lists(st.one_of(*ops), max_size=4).map(tuple)


@cache
def sync_bodies(depth: int) -> st.SearchStrategy[Body]:
    if depth == 0:
        return _body(_ops(_LEAVES))
    below, later = sync_bodies(depth - 1), async_bodies(depth - 1)
    generators = _several((Kind.GENERATE, Kind.LEND), below)
    calls = _ops((Kind.CALL, Kind.BLOCK), below)
    return _body(_ops(_LEAVES), calls, _ops(_WRAPPERS, below), generators, _ops((Kind.SPAWN,), later))


@cache
def async_bodies(depth: int) -> st.SearchStrategy[Body]:
    if depth == 0:
        return _body(_ops(_ASYNC_LEAVES))
    below, sync = async_bodies(depth - 1), sync_bodies(depth - 1)
    return _body(
        _ops(_ASYNC_LEAVES),
        _ops(_WRAPPERS, sync),
        _several((Kind.GENERATE, Kind.LEND), sync),
        _ops(_ASYNC_WRAPPERS, below),
        _several((Kind.GATHER, Kind.ASYNC_GENERATE), below),
        _ops((Kind.TO_THREAD, Kind.EXECUTOR), sync),
        _ops((Kind.CATCH,), below),
    )


def programs(depth: int) -> st.SearchStrategy[list[Body]]:
    """What each of a few concurrent requests does."""
    return st.lists(async_bodies(depth), min_size=1, max_size=4)
