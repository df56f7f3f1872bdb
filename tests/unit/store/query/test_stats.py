"""What rollups and error groups add up to, against counting by hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from scope.store import Batch, Reader
from scope.store.bins import RELATIVE_ERROR
from tests.unit.store.kit import HOUR_NS, SECOND_NS, START_NS, Clock, exception, failed, open_writer, store, summary

if TYPE_CHECKING:
    from pathlib import Path

MINUTE_NS = 60 * SECOND_NS


def test_routes_are_counted_by_method_and_template(tmp_path: Path) -> None:
    requests = [
        *(summary(key, bytes_in=2, bytes_out=10) for key in range(1, 6)),
        *(summary(key, method="PUT", bytes_in=100) for key in range(6, 8)),
        failed(8, method="PUT"),
        failed(11, method="PUT"),
        summary(9, route=0, path="/nowhere", status=404),
        summary(10, route=0, path="/elsewhere", status=404),
    ]
    store(tmp_path, requests)
    with Reader(tmp_path, clock=lambda: START_NS + 10 * SECOND_NS) as reader:
        found = {(each.method, each.route): each for each in reader.routes(START_NS)}
    assert {key: (each.count, each.errors) for key, each in found.items()} == {
        ("GET", "/items/{id}"): (5, 0),
        ("PUT", "/items/{id}"): (4, 2),
        ("GET", None): (2, 0),
    }
    get = found["GET", "/items/{id}"]
    assert (get.bytes_in, get.bytes_out, get.service, get.kind) == (10, 50, "shop", "http")
    assert get.rate == pytest.approx(0.5)


def test_the_busiest_come_first(tmp_path: Path) -> None:
    store(tmp_path, [summary(1, method="PUT"), summary(2), summary(3)])
    with Reader(tmp_path) as reader:
        assert [route.method for route in reader.routes()] == ["GET", "PUT"]


def test_percentiles_are_as_close_as_promised(tmp_path: Path) -> None:
    source = random.Random(1)
    durations = [int(source.lognormvariate(13, 2)) for _ in range(500)]
    requests = [
        summary(key, response_end_ns=START_NS + key * 1_000_000 + took) for key, took in enumerate(durations, 1)
    ]
    store(tmp_path, requests[:250], requests[250:])
    with Reader(tmp_path, clock=lambda: START_NS + MINUTE_NS) as reader:
        (route,) = reader.routes(START_NS)
    durations.sort()
    for found, rank in ((route.p50_ns, 250), (route.p95_ns, 475), (route.p99_ns, 495)):
        assert abs(found - durations[rank - 1]) <= durations[rank - 1] * RELATIVE_ERROR


def test_since_takes_whole_minutes_within_a_day_and_whole_hours_beyond(tmp_path: Path) -> None:
    requests = [summary(key, start_ns=START_NS + key * 20 * MINUTE_NS) for key in range(6)]
    with open_writer(tmp_path, clock=Clock(START_NS + 2 * HOUR_NS)) as writer:
        writer.commit(Batch(finished=requests))
    with Reader(tmp_path, clock=lambda: START_NS + 2 * HOUR_NS) as reader:
        since = START_NS + 20 * MINUTE_NS + SECOND_NS
        assert [route.count for route in reader.routes(since)] == [5]
        assert reader.routes(START_NS + 2 * HOUR_NS) == []
    with Reader(tmp_path, clock=lambda: START_NS + 30 * HOUR_NS) as reader:
        assert [route.count for route in reader.routes(since)] == [6]
        assert [route.count for route in reader.routes(START_NS + 70 * MINUTE_NS)] == [3]


def test_without_since_the_rate_is_over_the_time_that_is_kept(tmp_path: Path) -> None:
    store(tmp_path, [summary(key) for key in range(1, 101)])
    with Reader(tmp_path, clock=lambda: START_NS + HOUR_NS) as reader:
        (route,) = reader.routes()
        assert route.rate == pytest.approx(100 / 3600)


def test_an_endpoint_is_one_over_many_batches_and_restarts(tmp_path: Path) -> None:
    for key in range(1, 4):
        store(tmp_path, [summary(key), summary(key, segment=2)])
    with Reader(tmp_path) as reader:
        assert [route.count for route in reader.routes()] == [6]


# --- error groups ---


def test_exceptions_are_grouped_by_type_place_and_route(tmp_path: Path) -> None:
    requests = [
        failed(1, exception(1, message="first", line=30)),
        failed(3, exception(3, message="third", line=33)),
        failed(2, exception(2, message="second", line=31)),
        failed(4, exception(4, "shop.Other")),
        failed(5, route=0),
        failed(6, exception(6), exception(6), segment=2, id="order-6"),
    ]
    store(tmp_path, requests)
    with Reader(tmp_path) as reader:
        found = reader.errors()
        latest = found[0]
        assert [(each.type, each.route, each.count) for each in found] == [
            ("shop.Declined", "/items/{id}", 4),
            ("shop.Declined", None, 1),
            ("shop.Other", "/items/{id}", 1),
        ]
        assert (latest.file, latest.function, latest.line, latest.message) == (
            "/srv/shop/pay.py",
            "charge",
            31,
            "declined",
        )
        assert (latest.first_ns, latest.last_ns) == (requests[0].end_ns, requests[-1].end_ns)
        assert latest.exemplar == "order-6"
        assert reader.find(latest.exemplar).error == "shop.Declined"


def test_an_earlier_one_that_comes_later_does_not_become_the_latest(tmp_path: Path) -> None:
    store(tmp_path, [failed(5, exception(5, message="new"))], [failed(1, exception(1, message="old"))])
    with Reader(tmp_path) as reader:
        (group,) = reader.errors()
        assert (group.message, group.exemplar) == ("new", f"{5:032x}")
        assert group.first_ns == failed(1).end_ns


def test_errors_are_counted_since(tmp_path: Path) -> None:
    with open_writer(tmp_path, clock=Clock(START_NS + HOUR_NS)) as writer:
        writer.commit(Batch(finished=[failed(key, start_ns=START_NS + key * MINUTE_NS) for key in range(1, 11)]))
    with Reader(tmp_path) as reader:
        assert [group.count for group in reader.errors(START_NS + 8 * MINUTE_NS)] == [3]
        assert reader.errors(START_NS + 11 * MINUTE_NS) == []


def test_a_handled_exception_is_grouped_but_ends_no_request(tmp_path: Path) -> None:
    store(tmp_path, [summary(1, errors=1, notes=(exception(1),))])
    with Reader(tmp_path) as reader:
        assert reader.requests()[0].error is None
        assert [group.count for group in reader.errors()] == [1]
