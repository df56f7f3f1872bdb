"""The smallest applications worth serving, with and without tracing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request


def bare_fastapi() -> FastAPI:
    app = FastAPI()

    @app.get("/hello/{name}")
    async def hello(name: str) -> dict[str, str]:
        return {"message": f"hello {name}"}

    return app


def bare_starlette() -> Starlette:
    async def hello(request: Request) -> JSONResponse:
        return JSONResponse({"message": f"hello {request.path_params['name']}"})

    return Starlette(routes=[Route("/hello/{name}", hello)])


def traced_fastapi() -> FastAPI:
    from scope import ScopeMiddleware  # noqa: PLC0415 - the bare side must not load it

    app = bare_fastapi()
    app.add_middleware(ScopeMiddleware)
    return app


def traced_starlette() -> Starlette:
    from scope import ScopeMiddleware  # noqa: PLC0415 - as above

    app = bare_starlette()
    app.add_middleware(ScopeMiddleware)
    return app
