"""What the collector and the store agree on."""

from __future__ import annotations

from scope import _core, store
from scope.store.batch import Columns, Summary


def test_summaries_are_in_the_order_in_which_the_core_makes_them() -> None:
    assert _core.SUMMARY_FIELDS == Summary._fields == Columns._fields


def test_the_front_door_has_what_it_promises_and_nothing_else() -> None:
    assert all(getattr(store, name) is not None for name in store.__all__)
    assert not hasattr(store, "Nothing")
