"""What the collector and the store agree on."""

from __future__ import annotations

from typing import Any

import pytest

from scope import _core, store
from scope.store.batch import Columns, Summary


def test_summaries_are_in_the_order_in_which_the_core_makes_them() -> None:
    assert _core.SUMMARY_FIELDS == Summary._fields == Columns._fields


def test_the_front_door_has_what_it_promises_and_nothing_else() -> None:
    assert all(getattr(store, name) is not None for name in store.__all__)
    assert not hasattr(store, "Nothing")


def test_columns_and_rows_are_turned_into_each_other() -> None:
    rows = [(1, "a", None), (2, "b", b"x")]
    columns = _core.transpose(rows, 3)
    assert columns == ((1, 2), ("a", "b"), (None, b"x"))
    assert _core.interlace(columns) == [1, "a", None, 2, "b", b"x"]
    assert _core.interlace([iter([1, 2]), range(2)]) == [1, 0, 2, 1]
    assert (_core.transpose([], 2), _core.interlace([]), _core.interlace([[]])) == (((), ()), [], [])


@pytest.mark.parametrize("rows", [[(1,)], [(1, 2), (3,)], [[1, 2]], 3])
def test_rows_of_another_shape_have_no_columns(rows: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        _core.transpose(rows, 2)


@pytest.mark.parametrize("columns", [[[1], []], [1], 3])
def test_columns_of_other_lengths_make_no_rows(columns: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        _core.interlace(columns)
