"""What requests have in common: in words, counted by endpoint, remembered within bounds."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scope.store.ingest import endpoints, looks, shapes
from scope.store.ingest.definitions import Definitions
from scope.store.ingest.endpoints import Endpoints
from scope.store.ingest.looks import Looks, Traits
from scope.store.ingest.shapes import Shapes
from scope.store.schema import MAIN
from tests.unit.store.kit import DEFINITIONS, LOAD, RENDER, ROUTE, SEGMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

GET = Traits(1, 1, 1, 0, 1, 200, "GET", ROUTE, None, 0, (LOAD,))


@pytest.fixture
def main() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    MAIN.migrate(connection, Path("main.db"))
    yield connection
    connection.close()


@pytest.fixture
def known(main: sqlite3.Connection) -> Looks:
    definitions = Definitions.load(main)
    definitions.learn(1, 1, DEFINITIONS)
    return Looks({1: SEGMENT}, definitions, Endpoints(main))


def test_requests_alike_have_one_look(known: Looks) -> None:
    assert known[tuple(GET)] is known[tuple(GET)]
    assert known[tuple(GET._replace(status=404))] is not known[tuple(GET)]


def test_a_shape_says_in_words_what_the_numbers_mean(known: Looks) -> None:
    shape = known[tuple(GET._replace(sites=(RENDER, LOAD, 99), names=("inline",)))].shape
    assert (shape.kind, shape.state, shape.outcome, shape.route) == ("http", "done", "ok", "/items/{id}")
    assert shape.names == ("GET /items/{id}", "inline", "load", "render")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"kind": 2}, "WEBSOCKET /items/{id}"),
        ({"kind": 3, "route": 0}, "lifespan"),
        ({"method": "PUT"}, "PUT /items/{id}"),
    ],
)
def test_the_requests_own_span_is_searched_by_its_name(known: Looks, changes: dict[str, int], name: str) -> None:
    assert name in known[tuple(GET._replace(**changes))].shape.names  # type: ignore[arg-type]


def test_a_template_given_inline_stands_in_for_its_definition(known: Looks) -> None:
    assert known[tuple(GET._replace(route=0, route_text="/inline"))].shape.route == "/inline"
    assert known[tuple(GET._replace(route=0))].shape.route is None


@pytest.mark.parametrize(
    ("changes", "failed", "error"),
    [
        ({}, False, None),
        ({"outcome": 1}, True, "Boom"),
        ({"status": 500}, True, "Boom"),
        ({"status": 499}, False, None),
        ({"state": 2}, True, None),
        ({"outcome": 2}, False, None),
    ],
)
def test_a_request_failed_by_exception_by_status_or_by_death(
    known: Looks, changes: dict[str, int], failed: bool, error: str | None
) -> None:
    look = known[tuple(GET._replace(error="Boom", **changes))]  # type: ignore[arg-type]
    assert (look.failed, look.shape.error) == (failed, error)


def test_endpoints_are_one_for_every_process_of_a_service(known: Looks) -> None:
    numbers = {known[tuple(GET._replace(status=status))].endpoint for status in (200, 404, 500)}
    assert len(numbers) == 1
    assert known[tuple(GET._replace(method="PUT"))].endpoint not in numbers


def test_methods_that_no_standard_knows_are_counted_as_one(known: Looks) -> None:
    """Else a caller could make rows without end."""
    odd = {known[tuple(GET._replace(method=method))].endpoint for method in ("BREW", "get", "X" * 999)}
    assert len(odd) == 1
    assert known[tuple(GET._replace(method="BREW"))].shape.method == "BREW"


def test_routes_beyond_a_number_are_counted_as_one(main: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "_MAX_ENDPOINTS", 2)
    numbers = Endpoints(main)
    assert [numbers.number("shop", "http", "GET", route) for route in ("/a", "/b", "/c", "/d", "/a")] == [1, 2, 3, 3, 1]
    assert [row[4] for row in numbers.take_fresh()] == ["/a", "/b", "*"]
    assert numbers.take_fresh() == []


def test_looks_are_forgotten_when_they_become_many(known: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "_MAX_LOOKS", 3)
    for status in range(200, 210):
        assert known[tuple(GET._replace(status=status))].shape.status == status
        assert len(known) <= 3


def test_a_shape_is_stored_once(main: sqlite3.Connection, known: Looks) -> None:
    numbers = Shapes(main)
    first = numbers[known[tuple(GET)]]
    known.clear()
    assert numbers[known[tuple(GET)]] == first
    assert (len(numbers.rows), len(numbers.names)) == (1, 2)
    numbers.stored()
    assert numbers.rows == numbers.names == []


def test_shapes_stored_before_are_found_again(main: sqlite3.Connection, known: Looks) -> None:
    numbers = Shapes(main)
    stored = numbers[known[tuple(GET._replace(names=("b", "a")))]]
    main.executemany("INSERT INTO shapes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", numbers.rows)
    main.executemany("INSERT INTO span_names VALUES (?, ?)", numbers.names)
    again = Shapes(main)
    assert again[known[tuple(GET._replace(names=("a", "b")))]] == stored
    assert again[known[tuple(GET)]] == stored + 1


def test_shapes_are_forgotten_when_they_become_many_but_never_numbered_twice(
    main: sqlite3.Connection, known: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "_MAX_SHAPES", 3)
    numbers = Shapes(main)
    given = [numbers[known[tuple(GET._replace(status=status))]] for status in range(200, 210)]
    assert given == list(range(1, 11))
    assert len(numbers) <= 3
