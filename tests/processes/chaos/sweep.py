"""Fails the k-th call of each function, for every k: of a worker, and of a collector that stores what a dead one left.

``python -m tests.processes.chaos.sweep DIRECTORY [STRIDE]`` runs under the library of ``faults.c``; its files are below
DIRECTORY. Each trial is a fork: it acts, and the k-th call fails. Then somebody comes after it and nothing fails: all
that was committed has to be in the store once. With a STRIDE every STRIDE-th k is tried, with one error each.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scope import ScopeMiddleware
from scope.capture.process import configure
from scope.collector.collector import Collector
from scope.collector.lock import Lock
from scope.config import Config, load, prepare_dirs
from scope.errors import ScopeError
from scope.store import Reader, StoreUnavailable, Writer
from tests.unit.core.inside import http, receive, send

from .faults import Faults
from .honest import app

if TYPE_CHECKING:
    from collections.abc import Callable

ERRORS: Final = ("ENOSPC", "EIO", "EMFILE", "ENOMEM", "EROFS", "EINTR")
REQUESTS: Final = 3
SETTINGS: Final = {
    "segment": {"lanes": 2, "first_lane_bytes": "32KiB", "lane_bytes": "32KiB", "definitions_bytes": "4KiB"},
    "collector": {"autostart": False},
}
GOOD, REFUSED, BAD = 0, 1, 2
"""How a trial ends: all done; given up in words; otherwise."""


def forked(act: Callable[[], int]) -> int:
    """The exit code of ``act`` in a child; what it does not catch is BAD."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        code = act()
    except BaseException:  # noqa: BLE001 - the child ends here
        traceback.print_exc()
        code = BAD
    os._exit(code)


class Trials:
    """In ``directory``; what is tried starts from ``scope``, which is made anew each time."""

    def __init__(self, directory: Path, stride: int) -> None:
        self._faults = Faults.inherited()
        self._prepared, self._scope = directory / "prepared", directory / "scope"
        self._stride = stride
        self.outcomes: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()
        self.bad: list[str] = []

    def config(self) -> Config:
        return load(overrides={**SETTINGS, "dir": str(self._scope)})

    def prepare(self) -> None:
        """What a worker leaves that is killed within its last request."""
        code = forked(self.work_and_die)
        assert code == -9, code
        shutil.copytree(self._scope, self._prepared)

    def work_and_die(self) -> int:
        configure(**SETTINGS, dir=str(self._scope))
        self.answer()
        asyncio.run(ScopeMiddleware(dying)(_request("last"), receive, send))
        return BAD

    def work(self) -> int:
        configure(**SETTINGS, dir=str(self._scope))
        return GOOD if self.answer() == REQUESTS else BAD

    def answer(self) -> int:
        """The number of requests answered."""
        traced, answered = ScopeMiddleware(app), 0
        for number in range(REQUESTS):
            asyncio.run(traced(_request(str(number)), receive, send))
            answered += 1
        return answered

    def collect(self) -> int:
        """As the collector's process does, but for its threads and pauses."""
        config = self.config()
        try:
            prepare_dirs(config)
            with Lock(config.lock_path), Writer(Path(config.store_dir), config.store) as writer:
                collector = Collector(config, writer)
                collector.drain_all()
                collector.close()
            return GOOD
        except ScopeError as error:
            return REFUSED if len(str(error)) > 20 else BAD

    def check(self, wanted: set[str]) -> int:
        """Whether the store has the requests, each once and whole as far as it was written."""
        try:
            with Reader(str(self._scope / "store")) as reader:
                found = reader.requests(limit=1000)
        except StoreUnavailable:
            found = []
        ids = [each.id for each in found]
        whole = {each.id for each in found if each.complete or each.state == "aborted"}
        return GOOD if len(ids) == len(set(ids)) and whole == wanted else BAD

    def sweep(self, what: str, act: Callable[[], int], come_after: Callable[[], int]) -> None:
        """Let the k-th call fail in ``act``, for all k, and see that ``come_after`` finds nothing amiss."""
        for function, count in self._count(act).items():
            for k in range(1, count + 1, self._stride):
                errors = ERRORS if self._stride == 1 else (ERRORS[k // self._stride % len(ERRORS)],)
                for error in errors:
                    self._try(f"{what}: {function} {k} of {count}, {error}", act, come_after, error, function, k)

    def _count(self, act: Callable[[], int]) -> dict[str, int]:
        self._fresh()
        self._faults.fail("EIO")
        assert forked(act) == GOOD
        return {name: count for name, count in self._faults.calls().items() if count}

    def _try(
        self, what: str, act: Callable[[], int], come_after: Callable[[], int], error: str, function: str, k: int
    ) -> None:
        self._fresh()
        self._faults.fail(error, function, first=k, count=1)
        outcome = forked(act)
        self._faults.end()
        self.tried[function] += 1
        self.outcomes[("went on", "gave up in words", "bad")[outcome if outcome in {0, 1} else 2]] += 1
        if outcome not in {GOOD, REFUSED} or forked(come_after) != GOOD:
            self.bad.append(what)
            print(f"BAD {what}: outcome {outcome}", flush=True)

    def _fresh(self) -> None:
        shutil.rmtree(self._scope, ignore_errors=True)
        if self._prepared.exists():
            shutil.copytree(self._prepared, self._scope)


async def dying(*_: object) -> None:
    os.kill(os.getpid(), 9)


def _request(id: str) -> dict[str, object]:
    return http(headers=[(b"x-request-id", id.encode())])


def main(directory: Path, stride: int) -> int:
    trials = Trials(directory, stride)
    answered = {str(number) for number in range(REQUESTS)}

    def after_worker() -> int:
        """What it could not trace it has said; what is stored is whole."""
        if trials.collect() != GOOD:
            return BAD
        return GOOD if trials.check(answered) == GOOD or trials.check(set()) == GOOD else BAD

    def after_collector() -> int:
        return trials.check({*answered, "last"}) if trials.collect() == GOOD else BAD

    trials.sweep("worker", trials.work, after_worker)
    trials._fresh()
    trials.prepare()
    trials.sweep("collector", trials.collect, after_collector)
    summary = ", ".join(f"{name} {count}" for name, count in sorted(trials.tried.items()))
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in trials.outcomes.most_common())
    print(f"{trials.tried.total()} calls failed ({summary}): {outcomes}; {len(trials.bad)} of them with a bad end")
    return 1 if trials.bad else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
