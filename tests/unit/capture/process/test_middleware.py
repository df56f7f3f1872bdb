"""What the middleware makes of the settings of its process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import scope
from scope import ScopeMiddleware, _core, configure
from scope.capture import middleware
from scope.testing import captured
from tests.unit.capture.process.segments import answered, nothing
from tests.unit.core.inside import http, receive, send

pytestmark = pytest.mark.usefixtures("no_integrations")


def test_excluded_paths_are_not_traced() -> None:
    configure(capture={"exclude_paths": ["/health", "/static/*"]})
    app = ScopeMiddleware(nothing)
    with captured() as capture:
        for path in ("/health", "/static/a/b", "/healthy", "/work", None, 3, b"/health"):
            asyncio.run(app(http(path=path), receive, send))
    assert [trace.request.path for trace in capture.traces()] == ["/healthy", "/work", "", "", ""]


def test_the_correlation_header_is_the_configured_one() -> None:
    configure(capture={"request_header": "X-Correlation-ID", "trust_headers": False})
    sent: list[Any] = []

    async def app(_: object, __: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def keep(message: Any) -> None:
        sent.append(message)

    with captured() as capture:
        headers = [(b"x-correlation-id", b"mine"), (b"x-request-id", b"mine")]
        asyncio.run(ScopeMiddleware(app)(http(headers=headers), receive, keep))
    assert sent[0]["headers"] == [(b"x-correlation-id", capture.trace().request.id.encode())]
    assert capture.trace().request.id != "mine"


@pytest.mark.parametrize("scope_", [{}, {"type": None}, {"type": "other", "path": "/x"}, {"type": 3}], ids=str)
def test_a_scope_of_another_kind_reaches_the_application(scope_: dict[str, Any]) -> None:
    reached: list[object] = []

    async def app(scope: object, *_: object) -> None:
        reached.append(scope)

    with captured() as capture:
        asyncio.run(ScopeMiddleware(app)(scope_, receive, send))
    assert reached == [scope_]
    assert capture.traces() == []


def test_the_request_is_in_the_scope_while_it_runs() -> None:
    seen: list[object] = []

    async def app(scope: Any, *_: object) -> None:
        seen.append(scope[middleware.REQUEST_KEY] is scope_module_request())

    def scope_module_request() -> object:
        return scope.current_request()

    with captured():
        asyncio.run(ScopeMiddleware(app)(http(), receive, send))
    assert seen == [True]


def test_an_integration_that_fails_is_told_and_the_application_is_traced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("SCOPE_INTEGRATIONS", "nonesuch")
    with captured() as capture:
        asyncio.run(ScopeMiddleware(nothing)(http(), receive, send))
    assert capture.trace().request.path == "/work"
    assert "an integration could not be installed" in caplog.text


def test_no_integration_is_installed_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    import scope.integrations

    monkeypatch.undo()
    monkeypatch.setattr(scope.integrations, "install", lambda _: 1 / 0)
    monkeypatch.setenv("SCOPE_INTEGRATIONS", "")
    assert answered_quietly(ScopeMiddleware(nothing))


def answered_quietly(app: ScopeMiddleware) -> bool:
    with captured():
        return answered(app)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_life_of_an_application_goes_on_whether_it_is_traced_or_not(enabled: bool) -> None:
    served: list[str] = []

    async def app(scope: Any, *_: object) -> None:
        served.append(scope["type"])
        if len(served) == 2:
            raise KeyError

    with captured() as capture:
        traced = ScopeMiddleware(app)
        _core.pause(not enabled)
        asyncio.run(traced({"type": "lifespan"}, receive, send))
        with pytest.raises(KeyError):
            asyncio.run(traced({"type": "lifespan"}, receive, send))
    assert served == ["lifespan", "lifespan"]
    assert [trace.request.outcome for trace in capture.traces()] == (["ok", "exception"] if enabled else [])
