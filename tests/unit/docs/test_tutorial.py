"""The application of the tutorial records what the tutorial shows."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from scope.capture import middleware
from scope.integrations import install
from scope.testing import captured
from tests.unit.docs.pages import page
from tests.unit.integrations.asgi import get, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scope.model import Trace

PAGE = page("tutorial/first-trace.md")

# Start, duration, guides, name; then details.
_LINE = re.compile(r" *[\d.]+ \S+ +(?:[\d.]+ \S+|no end)  ([│├└─ ]*)(.+?)(?:  .*)?")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The application as it would be saved; the libraries are afterwards as they were."""
    path = tmp_path / "app.py"
    path.write_text(PAGE.blocks("python")[0].text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("tutorial_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "tutorial_app", module)
    monkeypatch.setattr(middleware, "_install_integrations", lambda _: None)
    with install(["fastapi"]):
        spec.loader.exec_module(module)
        yield module.app


def shown(number: int) -> list[tuple[int, str]]:
    """Depth and name of every span in a block of output."""
    lines = PAGE.blocks("text")[number].text.splitlines()
    return [(len(found[1]) // 3, found[2]) for line in lines if (found := _LINE.fullmatch(line))]


def recorded(trace: Trace) -> list[tuple[int, str]]:
    return [(depth, span.name) for depth, span in trace.spans()]


def test_the_first_request_is_as_shown(app: Any) -> None:
    with captured() as capture:
        answer = get(app, "/prices/7", headers=[("x-request-id", "my-first")])
    trace = capture.trace()
    assert answer.header("x-request-id") == trace.request.id == "my-first"
    assert trace.request.complete
    assert recorded(trace) == shown(0) != []
    _, handler, step, *_ = (span for _, span in trace.spans())
    assert (handler.attributes, step.attributes) == ({"customer": "guest"}, {"product": 7})


def test_the_request_that_is_killed_is_as_shown(app: Any) -> None:
    async def ask() -> Trace:
        asking = asyncio.create_task(request(app, "/report"))
        for _ in range(100):  # turns of the loop; it takes a few to get where it waits
            await asyncio.sleep(0)
        seen = capture.trace()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return seen

    with captured() as capture:
        trace = asyncio.run(ask())
    assert trace.request.state == "open"
    assert recorded(trace) == shown(2) != []
