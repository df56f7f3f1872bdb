from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi.routing import APIRoute

from example_app import failures
from load_tests import journeys
from load_tests.visitor import Visitor


@dataclass
class Diary:
    """Stands in for a visitor: writes down what a journey asks for, and answers each request with success."""

    chance: random.Random = field(default_factory=lambda: random.Random(1))
    admin_key: str = "staff"
    entries: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, action: str, method: str, path: str, **_: object) -> httpx.Response:
        self.entries.append((method, path))
        return httpx.Response(200, json={"access_token": "t"})

    async def get(self, action: str, path: str, expect: Collection[int] = ()) -> httpx.Response:
        return await self.send(action, "GET", path)

    async def talk(self, action: str, path: str, messages: list[str]) -> None:
        self.entries.append(("WEBSOCKET", path))


def walk(journey: journeys.Journey, diary: Diary) -> None:
    coroutine = journey(diary)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        coroutine.__await__().send(None)


def test_every_way_to_fail_is_an_endpoint_of_the_shop() -> None:
    paths = {route.path for route in failures.router.routes if isinstance(route, APIRoute)}
    taken = {f"/failures/{path}" for path in journeys.FAILURES if path != "http/418"}
    assert taken | {"/failures/http/{status}", "/failures/hang"} == paths


def test_every_journey_asks_for_something() -> None:
    for journey in journeys.MIX:
        diary = Diary()
        walk(journey, diary)
        assert diary.entries, journey


def test_who_buys_logs_in_first() -> None:
    diary = Diary()
    walk(journeys.buy, diary)
    assert diary.entries == [("POST", "/accounts/login"), ("GET", "/accounts/me"), ("POST", "/checkout")]


def test_a_visitor_has_what_the_journeys_use() -> None:
    assert {"send", "get", "talk"} <= set(dir(Visitor))
