"""Whatever goes wrong, and wherever: what was committed is stored once, and what was not can be committed again."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from scope.store import StoreFull, Writer, database
from tests.unit.store.kit import Clock
from tests.unit.store.world import END_NS, SETTINGS, Entry, MiniCollector, check, run, script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RINGS = script(1, 7)


class Death(BaseException):
    """The process ends here."""


class Fault:
    """Calls ``strike`` at change number ``at``, before or after it is carried out."""

    def __init__(self, strike: Callable[[], None], at: int, *, after: bool) -> None:
        self._strike = strike
        self._at = at
        self._after = after
        self.seen = 0

    def around(self, sql: str, statement: Callable[[], Any]) -> Any:
        if sql.startswith(("SELECT", "PRAGMA")):
            return statement()
        self.seen += 1
        if self.seen != self._at:
            return statement()
        if self._after:
            statement()
        self._strike()
        return None


@pytest.fixture
def inject(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fault], None]:
    """Put a fault into every connection made from now on."""

    def put(fault: Fault) -> None:
        class Faulty(sqlite3.Connection):
            def execute(self, sql: str, *values: Any) -> Any:
                return fault.around(sql, lambda: super(Faulty, self).execute(sql, *values))

            def executemany(self, sql: str, *values: Any) -> Any:
                return fault.around(sql, lambda: super(Faulty, self).executemany(sql, *values))

            def executescript(self, sql: str, *values: Any) -> Any:
                return fault.around(sql, lambda: super(Faulty, self).executescript(sql, *values))

        def connect(target: str, timeout_s: float, *, uri: bool = False) -> sqlite3.Connection:
            return sqlite3.connect(target, timeout=timeout_s, isolation_level=None, uri=uri, factory=Faulty)

        monkeypatch.setattr(database, "_connect", connect)

    in_a_hurry = [setting.replace("NORMAL", "OFF") for setting in database._SETTINGS]  # lost by a power cut only
    monkeypatch.setattr(database, "_SETTINGS", in_a_hurry)
    return put


def die() -> None:
    raise Death


def fill_disk() -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


NOTHING = Fault(die, 0, after=False)


def count_changes(directory: Path, inject: Callable[[Fault], None]) -> int:
    fault = Fault(die, 0, after=False)
    inject(fault)
    run(directory, RINGS, random.Random(0))
    seen = fault.seen
    check(directory, RINGS)
    return seen


def lives(directory: Path, rings: dict[str, list[Entry]], seed: int) -> None:
    """One life after another until one comes to its end."""
    while True:
        try:
            run(directory, rings, random.Random(seed))
        except Death:
            continue
        return


@pytest.mark.parametrize("part", range(3))
def test_a_death_before_any_change_loses_and_doubles_nothing(
    tmp_path: Path, inject: Callable[[Fault], None], part: int
) -> None:
    for at in places(count_changes(tmp_path / "whole", inject), part):
        inject(Fault(die, at, after=False))
        lives(tmp_path / f"{at}", RINGS, 0)
        inject(NOTHING)
        check(tmp_path / f"{at}", RINGS)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_batch_that_the_disk_did_not_take_at_any_change_can_be_committed_again(
    tmp_path: Path, inject: Callable[[Fault], None], *, after: bool
) -> None:
    for at in places(count_changes(tmp_path / "whole", inject), 1):
        directory = tmp_path / f"{at}"
        with Writer(directory, SETTINGS, clock=Clock(END_NS)) as writer:
            collector = MiniCollector(writer, RINGS)
            fault = Fault(fill_disk, at, after=after)
            inject(fault)
            source = random.Random(0)
            while not collector.is_done:
                batch = collector.read(source.randrange(1, 40))
                for _ in attempts(lambda batch=batch: writer.commit(batch)):  # type: ignore[misc]
                    pass
                collector.stored()
        inject(NOTHING)
        check(directory, RINGS)


def places(count: int, part: int) -> Iterator[int]:
    """A third of all changes; the other parts are other tests."""
    return iter(range(1 + part, count + 1, 3))


def attempts(call: Callable[[], None]) -> Iterator[StoreFull]:
    """What it raised until it did not."""
    while True:
        try:
            call()
        except StoreFull as error:
            yield error
        else:
            return


@pytest.mark.parametrize("seed", [*range(6), 106, 116, 121])
def test_scripts_of_any_kind_are_stored_exactly_once_over_many_deaths(
    tmp_path: Path, inject: Callable[[Fault], None], seed: int
) -> None:
    rings = script(seed, 40)
    source = random.Random(seed)
    deaths = 0
    while True:
        inject(Fault(die, source.randrange(20, 200), after=bool(source.randrange(2))))
        try:
            run(tmp_path, rings, source)
        except Death:
            deaths += 1
        else:
            break
    assert deaths
    inject(NOTHING)
    check(tmp_path, rings)
