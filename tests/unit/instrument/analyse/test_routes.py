"""The routes of an application, however they are written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scope.instrument.analyse import analyse

from .kit import analysed, routes

if TYPE_CHECKING:
    from pathlib import Path


def test_decorators_of_an_application(tmp_path: Path) -> None:
    source = """
        from fastapi import FastAPI
        app = FastAPI()

        @app.get("/items/{id}")
        async def item(id: int): ...

        @app.post("/items", status_code=201)
        def add(): ...

        @app.api_route("/any", methods=["GET", "PUT"])
        def any_of(): ...

        @app.websocket("/chat")
        async def chat(socket): ...
    """
    assert routes(analysed(tmp_path, main=source)) == [
        "GET /items/{id} main.item",
        "POST /items main.add",
        "GET|PUT /any main.any_of",
        "WS /chat main.chat",
    ]


def test_one_function_may_answer_under_two_paths(tmp_path: Path) -> None:
    source = """
        from fastapi import FastAPI
        app = FastAPI()
        @app.get("/new")
        @app.get("/old")
        def both(): ...
    """
    assert routes(analysed(tmp_path, main=source)) == ["GET /new main.both", "GET /old main.both"]


def test_routers_have_the_prefixes_of_all_that_include_them(tmp_path: Path) -> None:
    files = {
        "shop__settings": 'API = "/api"\nclass Settings:\n    version: str = "v2"\n',
        "shop__items": """
            from fastapi import APIRouter
            router = APIRouter(prefix="/items")
            @router.get("/{id}")
            def item(id): ...
        """,
        "shop__all": """
            from fastapi import APIRouter
            from . import items
            everything = APIRouter()
            everything.include_router(items.router, prefix="/shop")
        """,
        "shop__main": """
            from fastapi import FastAPI
            from shop.all import everything
            from shop.items import router as plain
            from .settings import API, Settings
            settings = Settings()
            app = FastAPI()
            app.include_router(everything, prefix=f"{API}/{settings.version}")
            app.include_router(plain)
        """,
    }
    assert sorted(routes(analysed(tmp_path, **files))) == [
        "GET /api/v2/shop/items/{id} shop.items.item",
        "GET /items/{id} shop.items.item",
    ]


def test_routers_that_a_loop_includes(tmp_path: Path) -> None:
    part = """
        from fastapi import APIRouter
        router = APIRouter()
        @router.get("/NAME")
        def show(): ...
    """
    main = """
        from fastapi import FastAPI
        from shop import a, b
        from shop.c import router as third
        app = FastAPI()
        for part in (a, b):
            app.include_router(part.router, prefix="/v1")
        for router in [third]:
            app.include_router(router)
    """
    parts = {f"shop__{name}": part.replace("NAME", name) for name in "abc"}
    assert routes(analysed(tmp_path, shop__main=main, **parts)) == [
        "GET /v1/a shop.a.show",
        "GET /v1/b shop.b.show",
        "GET /c shop.c.show",
    ]


def test_applications_that_functions_make(tmp_path: Path) -> None:
    files = {
        "shop__admin": """
            from fastapi import FastAPI
            def create():
                admin = FastAPI()
                @admin.delete("/all")
                def wipe(): ...
                return admin
        """,
        "shop__main": """
            from fastapi import FastAPI
            from .admin import create
            def create_app():
                app = FastAPI()
                app.mount("/admin", create())
                app.add_api_route("/health", health, methods=["HEAD"])
                return app
            def health(): ...
            app = create_app()
        """,
    }
    assert routes(analysed(tmp_path, **files)) == [
        "DELETE /admin/all shop.admin.create.wipe",
        "HEAD /health shop.main.health",
    ]


def test_lists_of_starlette(tmp_path: Path) -> None:
    source = """
        from functools import partial
        from starlette.applications import Starlette
        from starlette.endpoints import HTTPEndpoint
        from starlette.routing import Host, Mount, Route, Router, WebSocketRoute

        async def home(request): ...
        async def user(request): ...
        async def feed(socket): ...
        class Item(HTTPEndpoint):
            async def get(self, request): ...

        users = [Route("/{name}", user), WebSocketRoute("/feed", feed)]
        sub = Router(routes=[Route("/deep", partial(home, 1))])
        app = Starlette(routes=[
            Route("/", home, methods=["GET", "POST"]),
            Mount("/users/", routes=users),
            Mount("/static", app=object()),
            Mount("/sub", app=sub),
            Host("api.example", app=Router(routes=[Route("/item", Item)])),
            *[Route("/more", endpoint=home)],
        ])
    """
    assert sorted(routes(analysed(tmp_path, main=source))) == sorted(
        [
            "GET|POST / main.home",
            "GET /users/{name} main.user",
            "WS /users/feed main.feed",
            "GET /sub/deep main.home",
            "GET /item main.Item",
            "GET /more main.home",
        ]
    )


def test_a_list_that_only_the_program_knows_the_use_of_still_counts(tmp_path: Path) -> None:
    source = """
        from starlette.routing import Route
        async def home(request): ...
        def build(path):
            return [Route("/known", home), Route(path, home), Route("/lambda", lambda request: None)]
    """
    assert routes(analysed(tmp_path, main=source)) == ["GET /known main.home", "GET /lambda "]


def test_what_holds_routes_may_be_an_attribute_or_of_unknown_make(tmp_path: Path) -> None:
    source = """
        from fastapi import APIRouter
        from elsewhere import api, client

        class Service:
            def __init__(self):
                self.router = APIRouter(prefix="/service")
                self.router.add_api_route("/state", self.state)
            def state(self): ...

        @api.get("/unknown")
        def unknown(): ...

        @client.get("/not/a/route")
        def mocked(): ...
    """
    assert routes(analysed(tmp_path, main=source)) == [
        "GET /service/state main.Service.state",
        "GET /unknown main.unknown",
    ]


def test_routers_that_include_each_other_end(tmp_path: Path) -> None:
    source = """
        from fastapi import APIRouter
        one, two = 1, 2
        first = APIRouter()
        second = APIRouter()
        first.include_router(second)
        second.include_router(first)
        @first.get("/x")
        def x(): ...
    """
    assert routes(analysed(tmp_path, main=source)) == []


@pytest.mark.parametrize("layout", ["{}", "src__{}"])
def test_where_the_packages_lie_does_not_matter(tmp_path: Path, layout: str) -> None:
    """Also where directories in between have no ``__init__.py``."""
    files = {
        "shop__routers__items": (
            'from fastapi import APIRouter\nrouter = APIRouter()\n@router.get("/x")\ndef x():\n    return 1\n'
        ),
        "shop__models__items": "class Item: ...\n",
        "shop__main": (
            "from fastapi import FastAPI\nfrom shop.routers import items\napp = FastAPI()\n"
            'app.include_router(items.router, prefix="/v1")\n'
        ),
    }
    made = {layout.format(name): source for name, source in files.items()}
    analysed(tmp_path, **made)
    for initial in tmp_path.rglob("__init__.py"):
        if initial.parent.name != "shop":
            initial.unlink()
    assert routes(analysed(tmp_path)) == ["GET /v1/x shop.routers.items.x"]


def test_routers_that_a_function_imports_for_itself_are_found(tmp_path: Path) -> None:
    main = """
        from fastapi import FastAPI
        def create_app():
            from .users import router
            from . import items as things
            app = FastAPI()
            app.include_router(router, prefix="/v1")
            app.include_router(things.router, prefix="/v2")
            return app
    """
    users = """
        from fastapi import APIRouter
        router = APIRouter(prefix="/PREFIX")
        @router.get("/{id}")
        def show(id): ...
    """
    files = {name: users.replace("PREFIX", name) for name in ("users", "items")}
    analysis = analysed(tmp_path, shop__main=main, shop__users=files["users"], shop__items=files["items"])
    assert sorted(routes(analysis)) == ["GET /v1/users/{id} shop.users.show", "GET /v2/items/{id} shop.items.show"]


def test_links_to_what_is_elsewhere_and_pipes_are_passed_over(tmp_path: Path) -> None:
    """A pipe would never end, and whoever may look at a directory may not look elsewhere by it."""
    source = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/NAME')\ndef f(): ...\n"
    for name in ("inside", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").write_text(source.replace("NAME", name))
    (tmp_path / "inside" / "link.py").symlink_to(tmp_path / "outside" / "outside.py")
    (tmp_path / "inside" / "folder").symlink_to(tmp_path / "outside")
    os.mkfifo(tmp_path / "inside" / "pipe.py")
    assert [route.path for route in analyse(tmp_path / "inside").routes] == ["/inside"]
