"""A request is named by the full mounted template of its route, and by nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from scope import ScopeMiddleware
from scope.integrations import install
from scope.testing import Capture

from .asgi import get, websocket
from .shape import names

TRACED = [Middleware(ScopeMiddleware)]


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def plain_asgi(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("plain")(scope, receive, send)


def users() -> list[Route]:
    return [Route("/users/{id:int}", answer), Route("/", answer)]


@pytest.fixture(autouse=True)
def installed() -> Any:
    with install(["fastapi"]):
        yield


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/users/7", "/users/{id}"),
        ("/eu/users/7", "/{region}/users/{id}"),
        ("/eu/deep/users/7", "/{region}/deep/users/{id}"),
        ("/eu/", "/{region}/"),
        ("/files/a/b.txt", "/files/{path}"),
        ("/plain/x/y", "/plain/{path}"),
        ("/wrapped/users/7", "/wrapped/users/{id}"),
    ],
)
def test_the_template_is_that_of_every_mount_on_the_way(
    capture: Capture, tmp_path: Path, path: str, route: str
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_text("text")
    routes = [
        *users()[:1],
        Mount("/files", StaticFiles(directory=tmp_path)),
        Mount("/plain", plain_asgi),
        Mount("/wrapped", ScopeMiddleware(Router(users()))),
        Mount("/{region}", routes=[Mount("/deep", Router(users())), *users()]),
    ]
    assert get(Starlette(routes=routes, middleware=TRACED), path).status == 200
    assert capture.trace().request.route == route


def test_sub_applications_that_were_mounted_do_not_share_a_name(capture: Capture) -> None:
    app = Starlette(
        routes=[Mount("/shop", Starlette(routes=users())), Mount("/admin", Starlette(routes=users()))],
        middleware=TRACED,
    )
    for path in ("/shop/users/1", "/admin/users/1"):
        get(app, path)
    assert [trace.request.route for trace in capture.traces()] == ["/shop/users/{id}", "/admin/users/{id}"]


def test_hosts_are_part_of_the_name(capture: Capture) -> None:
    app = Starlette(routes=[Host("{shop}.example.org", Router(users())), *users()], middleware=TRACED)
    get(app, "/users/1", host="books.example.org")
    get(app, "/users/1", host="example.org")
    assert [trace.request.route for trace in capture.traces()] == ["{shop}.example.org/users/{id}", "/users/{id}"]


def test_an_unknown_path_has_no_route(capture: Capture) -> None:
    app = Starlette(routes=[*users(), Mount("/shop", Starlette(routes=users()))], middleware=TRACED)
    assert [get(app, path).status for path in ("/secret/42", "/shop/secret/42")] == [404, 404]
    assert [trace.request.route for trace in capture.traces()] == [None, None]


def test_a_wrong_method_has_the_template_of_the_route(capture: Capture) -> None:
    assert get(Starlette(routes=users(), middleware=TRACED), "/users/1", method="POST").status == 405
    assert capture.trace().request.route == "/users/{id}"


def test_a_redirect_to_the_path_with_a_slash_has_no_route(capture: Capture) -> None:
    app = Starlette(routes=[Route("/users/{id}/", answer)], middleware=TRACED)
    assert get(app, "/users/7").status == 307
    assert capture.trace().request.route is None


def test_a_websocket_is_named_by_its_route(capture: Capture) -> None:
    async def chat(socket: WebSocket) -> None:
        await socket.accept()

    app = Starlette(routes=[Mount("/chat", routes=[WebSocketRoute("/{room}", chat)])], middleware=TRACED)
    asyncio.run(websocket(app, "/chat/books", []))
    assert capture.trace().request.route == "/chat/{room}"


# --- FastAPI --------------------------------------------------------------------------------------------------------


def shop() -> FastAPI:
    """Routers within routers, a mount within one of them, and plain Starlette routes beside."""
    items = APIRouter(prefix="/items")
    items.add_api_route("/{id}", item)
    items.add_api_websocket_route("/{id}/watch", watch)
    items.add_route("/raw/{id}", answer)
    items.mount("/pictures", Router(users()))
    api = APIRouter()
    api.include_router(items, prefix="/{version}")
    app = FastAPI()
    app.add_middleware(ScopeMiddleware)
    app.add_api_route("/direct/{id}", item)
    app.include_router(api, prefix="/api")
    return app


async def item(id: str) -> str:
    return id


async def watch(websocket: WebSocket) -> None:
    await websocket.accept()


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/direct/1", "/direct/{id}"),
        ("/api/v1/items/1", "/api/{version}/items/{id}"),
        ("/api/v1/raw/1", "/api/{version}/raw/{id}"),
        ("/api/v1/pictures/users/1", "/api/{version}/pictures/users/{id}"),
    ],
)
def test_a_route_of_an_included_router_has_every_prefix(capture: Capture, path: str, route: str) -> None:
    assert get(shop(), path).status == 200
    assert capture.trace().request.route == route


def test_a_websocket_of_an_included_router_has_every_prefix(capture: Capture) -> None:
    asyncio.run(websocket(shop(), "/api/v1/items/1/watch", []))
    trace = capture.trace()
    assert (trace.request.route, names(trace)) == ("/api/{version}/items/{id}/watch", ["watch"])


def test_a_wrong_method_of_an_included_router_has_its_template(capture: Capture) -> None:
    assert get(shop(), "/api/v1/items/1", method="DELETE").status == 405
    assert capture.trace().request.route == "/api/{version}/items/{id}"


def test_applications_in_each_other_are_one_request_however_many_are_traced(capture: Capture) -> None:
    """FastAPI in Starlette in FastAPI, each with a ScopeMiddleware of its own."""
    outer = FastAPI()
    outer.add_middleware(ScopeMiddleware)
    outer.mount("/outer", Starlette(routes=[Mount("/inner/{tenant}", shop())], middleware=TRACED))
    assert get(outer, "/outer/inner/books/api/v1/items/1").status == 200
    trace = capture.trace()
    assert trace.request.route == "/outer/inner/{tenant}/api/{version}/items/{id}"
    assert names(trace) == ["item"]


def test_only_the_sub_application_that_is_traced_is_a_request(capture: Capture) -> None:
    app = Starlette(routes=[Mount("/shop", shop()), *users()])
    assert [get(app, path).status for path in ("/shop/direct/1", "/users/1")] == [200, 200]
    assert capture.trace().request.path == "/shop/direct/1"


def test_the_frontend_of_an_application_is_named_by_where_it_lies(capture: Capture, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>")
    app = FastAPI()
    app.add_middleware(ScopeMiddleware)
    app.frontend("/site", directory=tmp_path)
    assert get(app, "/site/index.html").status == 200
    assert capture.trace().request.route == "/site/{path}"
