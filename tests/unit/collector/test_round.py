"""What was read up to one moment, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from scope.collector import round as round_module
from scope.collector.round import Round

if TYPE_CHECKING:
    from scope._core import Correlator
    from scope.collector.fleet import News

OPEN: list[tuple[Any, ...]] = [("open",)]
NEWS: News = ({1: (1, [b"entry"])}, {1: (8, 0)}, {1: ((0, "full", 2), (3, "full", 1), (-1, "no_lane", 4))})
NO_NEWS: News = ({}, {}, {})


class Finished:
    """In place of a correlator: so many finished requests."""

    def __init__(self, count: int) -> None:
        self._rows: list[tuple[Any, ...]] = [(number,) for number in range(count)]

    def take(self, limit: int) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows[:limit], self._rows[limit:]
        return taken


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round_module, "MOST", 2)


def made(rows: Finished, finished: int, unfinished: list[tuple[Any, ...]], news: News) -> Round:
    return Round(cast("Correlator", rows), finished, unfinished, news)


def test_without_anything_new_there_is_no_batch() -> None:
    assert made(Finished(0), 0, [], NO_NEWS).next() is None


@pytest.mark.parametrize("finished", [0, 1, 2])
def test_what_fits_is_one_batch(finished: int) -> None:
    round_ = made(Finished(finished), finished, OPEN, NEWS)
    batch = round_.next()
    assert batch is not None
    assert (len(batch.finished), batch.open) == (finished, OPEN)
    assert (batch.definitions, batch.heads, batch.lane_losses) == NEWS
    assert batch.losses == {1: {"full": 3, "no_lane": 4}}
    assert round_.next() is None


def test_definitions_come_first_and_positions_last() -> None:
    """Killed in between, the next collector reads again what the store has, and finds its names known."""
    round_ = made(Finished(5), 5, OPEN, NEWS)
    batches = [round_.next() for _ in range(4)]
    assert batches.pop() is None
    whole = [each for each in batches if each]
    assert [len(each.finished) for each in whole] == [2, 2, 1]
    assert [bool(each.definitions) for each in whole] == [True, False, False]
    assert [bool(each.open or each.heads or each.losses) for each in whole] == [False, False, True]


def test_what_finishes_meanwhile_is_for_the_next_round() -> None:
    """Its last records are beyond the positions of this one."""
    rows = Finished(5)
    round_ = made(rows, 3, [], NO_NEWS)
    assert [len(batch.finished) for _ in range(2) if (batch := round_.next())] == [2, 1]
    assert round_.next() is None
    assert len(rows.take(9)) == 2


@pytest.mark.parametrize(
    "news",
    [
        ({1: (1, [b"entry"])}, {}, {}),
        ({}, {1: (8, 0)}, {}),
        ({}, {}, {1: ((0, "full", 2), (3, "full", 1), (-1, "no_lane", 4))}),
    ],
)
def test_any_news_are_worth_a_batch(news: News) -> None:
    assert made(Finished(0), 0, [], news).next() is not None
