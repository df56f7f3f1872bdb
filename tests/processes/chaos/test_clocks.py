"""Wall clocks that jump while requests are traced: durations stay, nothing is lost, doubled or taken for old."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from struct import pack_into, unpack_from
from typing import TYPE_CHECKING

from scope.collector.calendar import Calendar
from scope.collector.collector import RETAIN_NS, Collector
from scope.config import Config, load, prepare_dirs
from scope.store import Reader, Writer
from tests.support.servers import scope
from tests.support.stored import stored
from tests.unit.collector.kit import SECOND_NS, Clock, Process, process

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR_NS = 3600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
REALTIME = 192
"""Where the header has the wall clock."""


@contextmanager
def begun_at(step_ns: int, name: str) -> Iterator[Process]:
    """A process whose wall clock was off by so much when it began."""
    with process(name, lanes=16) as made:  # a thread that goes from one session to another takes a lane each time
        with made.path.open("r+b") as file:
            header = bytearray(file.read(4096))
            pack_into("<Q", header, REALTIME, unpack_from("<Q", header, REALTIME)[0] + step_ns)
            file.seek(0)
            file.write(header)
        yield made


class Collected:
    """A collector and its store under clocks of the test's; ``step`` sets the wall clock, ``cycle`` passes time."""

    def __init__(self, stack: ExitStack, config: Config) -> None:
        self._wall, self._steady = Clock(), Clock()
        self._wall.now_ns = time.time_ns()
        calendar = Calendar(wall=self._wall, steady=self._steady)
        writer = stack.enter_context(Writer(Path(config.store_dir), config.store, clock=calendar.latest_ns))
        self._collector = Collector(config, writer, clock=self._steady, calendar=calendar)
        stack.callback(self._collector.close)

    def step(self, ns: int) -> None:
        self._wall.now_ns += ns

    def cycle(self) -> None:
        """Also looks for what is old."""
        self._wall.now_ns += RETAIN_NS
        self._steady.now_ns += RETAIN_NS
        self._collector.cycle()
        assert self._collector.status.error == ""


@contextmanager
def collected(**store: int) -> Iterator[Collected]:
    config = load(overrides={"store": store})
    prepare_dirs(config)
    with ExitStack() as stack:
        yield Collected(stack, config)


def test_a_clock_that_is_set_ahead_and_back_costs_no_request(tmp_path: Path) -> None:
    """By more than requests are kept; processes begin before, after and in between, and one request lasts."""
    del tmp_path
    with collected(retention_age_s=86_400) as running, begun_at(0, "1.seg") as before:
        before.begin("long")
        before.request("before")
        running.cycle()
        running.step(2 * DAY_NS)
        with begun_at(2 * DAY_NS, "2.seg") as ahead:
            ahead.request("ahead")
            before.request("before-later")
            running.cycle()
            running.step(-2 * DAY_NS - HOUR_NS * 12)
            running.cycle()
            with begun_at(-HOUR_NS * 12, "3.seg") as behind:
                behind.request("behind")
                for each, name in ((before, "last-before"), (ahead, "last-ahead"), (behind, "last-behind")):
                    each.request(name)
                running.cycle()
                before.end("long")
                running.cycle()
    found = stored()
    assert found.keys() == {
        *("long", "before", "before-later", "ahead", "behind"),
        *("last-before", "last-ahead", "last-behind"),
    }
    assert all(each.complete and 0 < each.duration_ns < HOUR_NS for each in found.values())
    assert found["ahead"].start_ns - found["before"].start_ns > DAY_NS
    assert found["before"].start_ns - found["behind"].start_ns > HOUR_NS * 11
    assert all(name in scope("show", name) for name in found)


def test_a_slice_is_removed_once_it_is_old_however_the_clock_was_set(tmp_path: Path) -> None:
    del tmp_path
    with (
        collected(retention_age_s=3600) as running,
        begun_at(0, "1.seg") as early,
        begun_at(3 * HOUR_NS, "2.seg") as late,
    ):
        early.request("early")
        running.cycle()
        running.step(3 * HOUR_NS)
        late.request("late")
        running.cycle()
        assert stored().keys() == {"early", "late"}
        for _ in range(3 * 3600 * SECOND_NS // RETAIN_NS):
            running.cycle()
        assert stored().keys() == {"late"}
        with Reader(load().store_dir) as reader:
            assert len(reader.info().slices) == 1


def test_after_a_step_back_requests_go_to_the_slice_in_which_they_began(tmp_path: Path) -> None:
    del tmp_path
    with collected() as running, begun_at(0, "1.seg") as made:
        running.step(-5 * HOUR_NS)
        made.request("a")
        running.cycle()
        with Reader(load().store_dir) as reader:
            [slice_] = reader.info().slices
    assert slice_.start_ns <= stored()["a"].start_ns < slice_.end_ns
