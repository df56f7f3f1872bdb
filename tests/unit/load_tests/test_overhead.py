from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from functools import partial
from itertools import chain, pairwise
from pathlib import Path

import pytest

from load_tests.overhead.__main__ import main
from load_tests.overhead.figures import Figure, figure
from load_tests.overhead.inprocess import measure
from load_tests.overhead.load import LoadError, parse_wrk
from load_tests.overhead.parts import PARTS, Plan
from load_tests.overhead.rotation import WARM_UP, added, rotate, timed, turns
from load_tests.processes import ROOT
from load_tests.stack import isolated

WRK = """Running 1s test @ http://127.0.0.1:8000/hello/world
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.65ms  310.00us  13.83ms   91.23%
    Req/Sec     4.02k   802.32     4.85k    80.00%
  8012 requests in 2.00s, 1.46MB read
Requests/sec:   3999.15
"""


class Clock:
    """A clock that only the work of blocks advances."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_blocks_take_turns_and_the_difference_is_for_one_repetition() -> None:
    clock = Clock()
    order: list[str] = []

    def work(name: str, ns: int) -> None:
        order.append(name)
        clock.now += ns

    blocks = {
        "bare": timed(lambda: work("bare", 1000), clock),
        "traced": timed(lambda: work("traced", 1500), clock),
    }
    spent = rotate(blocks, 4)
    assert spent == {"bare": [1000] * 4, "traced": [1500] * 4}
    assert len(order) == 2 * (4 + WARM_UP)
    assert added(spent, "traced", "bare", 100) == 5.0


@pytest.mark.parametrize("count", [2, 3, 4])
def test_no_variant_ever_follows_itself(count: int) -> None:
    names = [f"variant {number}" for number in range(count)]
    rounds = [turns(names, number) for number in range(-3, 3 * count)]
    assert all(sorted(order) == names for order in rounds)
    assert all(before != after for before, after in pairwise(chain.from_iterable(rounds)))


def test_each_of_three_variants_comes_first_as_often() -> None:
    assert Counter(turns(["a", "b", "c"], number)[0] for number in range(9)) == {"a": 3, "b": 3, "c": 3}


def test_one_slow_round_does_not_move_the_difference() -> None:
    spent = {"bare": [100, 100, 900, 100, 100], "traced": [110, 110, 111, 5000, 110]}
    assert added(spent, "traced", "bare", 1) == 10


def test_a_figure_is_the_median_of_its_processes_beside_its_limit() -> None:
    item = figure("ns", [50.0, 90.0, 60.0], baseline=[20.0], noise=[0.123456], limit=55)
    assert (item.value, item.met) == (60.0, False)
    assert item.as_json() == {
        "unit": "ns",
        "value": 60.0,
        "processes": [50.0, 90.0, 60.0],
        "baseline": 20.0,
        "noise": 0.1235,
        "limit": 55,
        "met": False,
    }


def test_a_figure_without_a_limit_is_neither_met_nor_missed() -> None:
    assert figure("ns", [1.0]).as_json() == {"unit": "ns", "value": 1.0, "processes": [1.0]}


def test_wrk_is_understood() -> None:
    load = parse_wrk(WRK)
    assert (load.requests, load.seconds, load.rate) == (8012, 2.0, 4006.0)


@pytest.mark.parametrize(
    "output",
    ["", WRK + "  Non-2xx or 3xx responses: 3", WRK + "  Socket errors: connect 0, read 1, write 0, timeout 0"],
)
def test_load_with_errors_is_no_measurement(output: str) -> None:
    with pytest.raises(LoadError):
        parse_wrk(output)


def test_operations_are_measured_in_a_process_of_their_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "load_tests.overhead.operations", "--rounds", "2"]
    done = subprocess.run(command, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout).keys() >= {"probed_call", "mark", "span", "annotate", "suppressed_call"}


@pytest.mark.parametrize(("framework", "loop"), [("fastapi", "uvloop"), ("starlette", "asyncio")])
def test_requests_are_measured_in_processes_that_take_turns(tmp_path: Path, framework: str, loop: str) -> None:
    sample = measure(framework, loop, 2, environment(tmp_path))
    assert sample.bare_us > 0
    assert sample.added_us != sample.noise_us


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["everything"])
    assert "'everything' is none of operations, inprocess, full, paced" in capsys.readouterr().err


def test_without_a_part_all_are_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in PARTS:
        monkeypatch.setitem(PARTS, name, partial(missed, name))
    assert main(["--quick"]) == 0
    assert main(["--quick", "--check", "paced"]) == 1
    out = capsys.readouterr().out
    document, _ = json.JSONDecoder().raw_decode(out)
    assert document["figures"].keys() == PARTS.keys()
    assert document["plan"] == "quick"


def missed(name: str, _: Plan) -> dict[str, Figure]:
    return {name: figure("ns", [9.0], limit=8)}


def environment(directory: Path) -> dict[str, str]:
    return os.environ | isolated(directory)
