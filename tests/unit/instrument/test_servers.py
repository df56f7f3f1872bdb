"""What is done to servers and frameworks so that they trace what they run."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from scope import ScopeMiddleware, current_request
from scope.instrument import servers
from scope.testing import captured

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping


class Config:
    """As much of uvicorn's as is hooked into."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.loaded_app: Any = None

    def load(self) -> None:
        self.loaded_app = self.app


class Starlette:
    """As much of Starlette's as is hooked into: it answers with the id of the request that it runs for."""

    def __init__(self, mounted: Any = None) -> None:
        self.mounted = mounted
        self.ids: list[str | None] = []

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        request = current_request()
        self.ids.append(request.id if request else None)
        if self.mounted:
            await self.mounted(scope, receive, send)
            return
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch, no_integrations: None) -> Iterator[None]:
    """Modules of these names that have the classes above, hooked into."""
    config, load, call = Config, Config.load, Starlette.__call__
    for name, attribute in (("uvicorn.config", config), ("starlette.applications", Starlette)):
        module = ModuleType(name)
        setattr(module, attribute.__name__, attribute)
        monkeypatch.setitem(sys.modules, name, module)
    servers.install()
    yield
    Config.load = load  # type: ignore[method-assign]
    Starlette.__call__ = call  # type: ignore[method-assign]


def ask(app: Any, id: str = "a", kind: str = "http") -> list[Any]:
    """What the application sends."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"x-request-id", id.encode())]
    asyncio.run(app({"type": kind, "method": "GET", "path": "/", "headers": headers}, receive, send))
    return sent


def test_what_uvicorn_loads_is_traced() -> None:
    app = Starlette()
    config = Config(app)
    config.load()
    assert isinstance(config.loaded_app, ScopeMiddleware)
    with captured() as capture:
        [start, _] = ask(config.loaded_app)
    assert (b"x-request-id", b"a") in start["headers"]
    assert capture.trace().request.id == "a"
    assert app.ids == ["a"]


def test_an_application_under_any_other_server_traces_itself() -> None:
    app = Starlette()
    with captured() as capture:
        for id_ in ("a", "b"):
            [start, _] = ask(app, id_)
            assert (b"x-request-id", id_.encode()) in start["headers"]
    assert sorted(trace.request.id for trace in capture.traces()) == ["a", "b"]
    assert app.ids == ["a", "b"]


@pytest.mark.parametrize("times", [0, 1, 2])
def test_nothing_is_traced_twice(times: int) -> None:
    """Whether the application has the middleware already, or one is mounted in another."""
    app: Any = Starlette(Starlette())
    for _ in range(times):
        app = ScopeMiddleware(app)
    config = Config(app)
    config.load()
    with captured() as capture:
        ask(config.loaded_app)
        ask(app, "b")
    assert sorted(trace.request.id for trace in capture.traces()) == ["a", "b"]


def test_the_life_of_an_application_is_traced_by_its_server_alone() -> None:
    app = Starlette()
    with captured() as capture:
        ask(app, kind="lifespan")
        assert capture.traces() == []
        config = Config(app)
        config.load()
        ask(config.loaded_app, kind="lifespan")
    assert capture.trace().request.kind == "lifespan"


def test_each_application_has_a_middleware_of_its_own() -> None:
    first, second = Starlette(), Starlette()
    with captured():
        ask(first, "a")
        ask(second, "b")
        ask(first, "c")
    assert (first.ids, second.ids) == (["a", "c"], ["b"])


def test_a_library_that_is_not_as_it_is_known_runs_as_it_would_have(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn.config", ModuleType("uvicorn.config"))
    servers.install()
    assert "uvicorn.config is not as it is known: what it runs is not traced" in caplog.text
