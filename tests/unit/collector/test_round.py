"""What was read up to one moment, in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from scope.collector import round as round_module
from scope.collector.fleet import News
from scope.collector.round import Round, Waiting
from scope.store.process_records import ProcessRecord

if TYPE_CHECKING:
    from scope._core import Correlator
    from scope.store import Batch

OPEN: list[tuple[Any, ...]] = [(1, "open")]
NEWS = News(
    {1: (1, [b"entry"])},
    {1: (8, 0)},
    {1: ((0, "full", 2), (3, "full", 1), (-1, "no_lane", 4))},
    {1: [ProcessRecord(-1, 0, "start", 5)]},
)
NO_NEWS = News({}, {}, {}, {})


class Finished:
    """In place of a correlator: so many finished requests of each segment, whose slot is its number and 10."""

    def __init__(self, **counts: int) -> None:
        self._rows = {int(name[1:]): [(int(name[1:]), key) for key in range(count)] for name, count in counts.items()}

    def take(self, limit: int, slot: int) -> list[tuple[Any, ...]]:
        rows = self._rows[slot - 10]
        taken, self._rows[slot - 10] = rows[:limit], rows[limit:]
        return list(taken)

    def waiting(self) -> list[Waiting]:
        return [Waiting(number, number + 10, len(rows)) for number, rows in self._rows.items()]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round_module, "MOST", 2)
    monkeypatch.setattr(round_module, "LARGEST", 6)


def made(rows: Finished, unfinished: list[tuple[Any, ...]], news: News) -> Round:
    return Round(cast("Correlator", rows), rows.waiting(), unfinished, news)


def batches(of: Round) -> list[Batch]:
    return list(iter(of.next, None))


def test_without_anything_new_there_is_no_batch() -> None:
    assert made(Finished(s1=0), [], NO_NEWS).next() is None


@pytest.mark.parametrize("finished", [0, 1, 2, 6])
def test_what_fits_is_one_batch(finished: int) -> None:
    (batch,) = batches(made(Finished(s1=finished), OPEN, NEWS))
    assert (len(batch.finished), batch.open) == (finished, OPEN)
    assert (batch.definitions, batch.heads, batch.lane_losses, batch.process) == NEWS
    assert batch.losses == {1: {"full": 3, "no_lane": 4}}


def test_all_of_a_segment_is_in_one_batch() -> None:
    """Killed between two, the next collector finds of each segment all or nothing of what the round had of it."""
    numbers = (1, 2, 3, 4, 5)
    news = News({}, {number: (8 * number, 0) for number in numbers}, {2: ((0, "full", 1),)}, {})
    rows: list[tuple[Any, ...]] = [(number, "open") for number in (2, 5, 4, 2)]
    found = batches(made(Finished(s1=1, s2=5, s3=2, s4=0, s5=3), rows, news))
    assert [sorted({row[0] for row in each.finished}) for each in found] == [[1, 2], [3], [5]]
    assert [sorted(each.heads) for each in found] == [[1, 2], [3], [4, 5]]
    assert [sorted(row[0] for row in each.open) for each in found] == [[2, 2], [], [4, 5]]
    assert [sorted(each.losses) for each in found] == [[2], [], []]


def test_of_a_segment_with_very_many_some_go_ahead_and_the_positions_come_last() -> None:
    """Killed in between, the next collector reads again what the store has, and finds its names known."""
    found = batches(made(Finished(s1=14), OPEN, NEWS))
    assert [len(each.finished) for each in found] == [6, 6, 2]
    assert [bool(each.definitions) for each in found] == [True, False, False]
    last = [bool(each.open or each.heads or each.losses or each.process) for each in found]
    assert last == [False, False, True]


def test_what_finishes_meanwhile_is_for_the_next_round() -> None:
    """Its last records are beyond the positions of this one."""
    rows = Finished(s1=5)
    round_ = Round(cast("Correlator", rows), [Waiting(1, 11, 3)], [], NO_NEWS)
    assert [len(each.finished) for each in batches(round_)] == [3]
    assert len(rows.take(9, 11)) == 2


@pytest.mark.parametrize("field", News._fields)
def test_any_news_are_worth_a_batch(field: str) -> None:
    news = NO_NEWS._replace(**{field: getattr(NEWS, field)})
    assert made(Finished(s1=0), [], news).next() is not None
