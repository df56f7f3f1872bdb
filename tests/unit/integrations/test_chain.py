"""A layer between two applications is not noticed by either, and goes away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scope.integrations._chain import Layer, hold, insert, walk
from scope.integrations._patches import Patches
from scope.model import SpanKind


class App:
    def __init__(self, app: Any = None) -> None:
        self.app = app
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["type"])


class Slotted:
    __slots__ = ("app",)

    def __init__(self, app: Any) -> None:
        self.app = app


def function(app: Any) -> Any:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return inner


def test_a_walk_passes_objects_and_functions() -> None:
    last = App()
    made = function(last)
    first = App(App(made))
    assert [(holder, app) for holder, app in walk(first)] == [(first, first.app), (first.app, made), (made, last)]


def test_a_walk_stops_at_a_function_that_is_the_last() -> None:
    made = function(App())
    first = App(made)
    assert [app for _, app in walk(first, made)] == [made]


def test_a_walk_in_a_circle_ends() -> None:
    first = App()
    first.app = App(first)
    assert len(list(walk(first))) == 200


@pytest.mark.parametrize("holder_of", [App, function])
def test_a_layer_is_passed_over_and_taken_out_again(holder_of: Any) -> None:
    app, patches = App(), Patches()
    holder = holder_of(app)
    insert(patches, holder, "app", SpanKind.MIDDLEWARE)
    insert(patches, holder, "app", SpanKind.MIDDLEWARE)
    assert [found for _, found in walk(holder)] == [app]
    held = holder.app if holder_of is App else holder.__closure__[0].cell_contents
    assert type(held) is Layer
    assert held.app is app
    patches.undo()
    held = holder.app if holder_of is App else holder.__closure__[0].cell_contents
    assert held is app


def test_a_holder_that_could_not_be_restored_is_left_alone() -> None:
    app, patches = App(), Patches()
    holder = Slotted(app)
    insert(patches, holder, "app", SpanKind.MIDDLEWARE)
    assert holder.app is app


def test_a_layer_is_what_it_stands_for_to_everybody_but_us() -> None:
    app = App()
    layer: Any = Layer(app, "app", SpanKind.MIDDLEWARE)
    assert (layer.seen is app.seen, hasattr(layer, "nothing")) == (True, False)
    layer.mood = "good"
    assert vars(app)["mood"] == "good"
    assert isinstance(layer, App)


@pytest.mark.parametrize("kind", ["lifespan", "http"])
def test_a_layer_only_calls_where_nothing_is_traced(kind: str) -> None:
    app = App()
    layer: Any = Layer(app, "app", SpanKind.MIDDLEWARE)
    asyncio.run(layer({"type": kind}, None, None))
    assert app.seen == [kind]


def test_a_walk_stops_where_wsgi_begins() -> None:
    def wsgi(environ: Any, start_response: Any) -> Any: ...

    bridge = App(wsgi)
    assert [app for _, app in walk(App(bridge))] == [bridge]


def test_what_holds_nothing_cannot_be_given_anything() -> None:
    with pytest.raises(AttributeError):
        hold(object(), App())
