"""Of five hundred secrets in all that a recorded application passes about, none reaches shared memory or the store."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scope import ScopeMiddleware, _core, annotate, span
from scope.capture.exceptions import describe
from scope.capture.never_types import never_types
from scope.config import load, prepare_dirs
from scope.store import Reader
from scope.testing import captured
from tests.support.planted import Planted, harmless, planted
from tests.unit.instrument.transform.twins import PLANS, twins

pytestmark = pytest.mark.usefixtures("no_integrations")

GRAM = 8
APP = """
import dataclasses

@dataclasses.dataclass
class Holder:
    note: str

class Slots:
    __slots__ = ("value",)
    def __init__(self, value): self.value = value

def passed(value): return value
def varied(*args, **more): return more
def kept(take):
    found = take()
    also = [found]
    return None
def nested(value):
    rows = {"rows": [(1, value), {"deep": [value]}], "held": Holder(value), "slots": Slots(value), value: 1}
    return rows
def raising(value):
    raise ValueError(value)
def yields(value): yield value
def cut(value): return value
def octets(value): return [value, bytearray(value)]
def local(take):
    password = take()
    api_key = {"key": take()}
    credentials = Holder(take())
    return None
def get_token(take): return take()
async def app(scope, receive, send):
    headers, query = dict(scope["headers"]), scope["query_string"]
    await send({"type": "http.response.start", "status": 200, "headers": scope["headers"]})
    await send({"type": "http.response.body", "body": b""})
"""


def test_none_of_five_hundred_secrets_reaches_shared_memory_or_the_store(session: tuple[_core.Session, Path]) -> None:
    corpus = planted()
    assert len(corpus) == 500
    _, module = twins(APP, plan=PLANS["locals"])
    for each in corpus:
        asyncio.run(_request(module, each))
    memory = session[1].read_bytes()
    assert session[0].statistics()["bytes"] < 1 << 26, "all of it is still there"
    assert memory.count(b"Holder") > 500, "values were recorded"
    assert _leaks(corpus, memory) == []
    subprocess.run([sys.executable, "-m", "scope", "collect", "--once"], check=True)
    assert _leaks(corpus, _stored()) == []


@pytest.fixture
def session() -> Iterator[tuple[_core.Session, Path]]:
    """As settings have it unless told otherwise, but for room for all of it."""
    config = load()
    prepare_dirs(config)
    path = Path(config.segment.dir) / f"{os.getpid()}-{'0' * 16}.seg"
    made = _core.Session(str(path), first_lane_bytes=1 << 26, max_value_bytes=config.capture.max_value_bytes)
    _core.set_describe(describe)
    _core.set_never_types(never_types())
    _core.set_session(made)
    yield made, path
    _core.set_session(None)
    made.close()


async def _request(module: ModuleType, secret: Planted) -> None:
    """One request that meets the secret wherever one may be met."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        (_named if secret.name else _shaped)(module, secret)
        await module.app(scope, receive, send)

    name, value = secret.name or "x-note", secret.text.replace("\n", " ").encode()
    headers = [(name.replace("_", "-").encode(), value)]
    query = f"{name}={secret.text}".encode()
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": query}

    async def nothing(*_: object) -> dict[str, Any]:
        return {"type": "http.request"}

    await ScopeMiddleware(inner)(scope, nothing, nothing)  # type: ignore[arg-type]


def _shaped(module: ModuleType, secret: Planted) -> None:
    text = secret.text
    module.passed(text)
    module.varied(text, note=text)
    module.kept(lambda: text)
    module.nested(text)
    list(module.yields(text))
    module.octets(text.encode())
    for before in (256 - len(text) // 2, 250, 216, 190):
        module.cut("word " * (before // 5) + text)
    with pytest.raises(ValueError, match=r"."):
        module.raising(text)
    with pytest.raises(ValueError, match=r"."):
        module.raising({"note": [text]})
    annotate(note=text)
    with span(f"send {text}", note=[text]):
        pass


def _named(module: ModuleType, secret: Planted) -> None:
    name, text = secret.name, secret.text
    module.varied(**{name: text})
    module.passed(
        {name: text, "rows": [(name, text), (name.encode(), text.encode())], "argv": ["run", f"--{name}", text]}
    )
    box = type("Box", (), {})()
    setattr(box, name, text)
    module.passed(box)
    module.varied({"settings": {name: [text]}})
    module.local(lambda: text)
    module.get_token(lambda: text)
    module.cut("word " * 48 + f"{name}={text}")
    with pytest.raises(ValueError, match=r"."):
        module.raising(f"{name}: '{text}'")
    annotate(**{name: text})


def _stored() -> bytes:
    """All bytes below the store, and what its blocks hold."""
    config = load()
    files = [path.read_bytes() for path in Path(config.store_dir).rglob("*") if path.is_file()]
    with Reader(config.store_dir) as reader:
        requests = reader.requests(limit=10_000)
        assert len([each for each in requests if each.kind == "http"]) == 500
        return b"\0".join([*files, *(reader.blob(each) for each in requests)])


def _leaks(corpus: list[Planted], data: bytes) -> list[tuple[str, str, bytes]]:
    """What is in ``data`` of eight bytes of a secret, with some of what stands around it."""
    grams = {
        secret[at : at + GRAM]: each
        for each in corpus
        for secret in [each.secret.encode()]
        for at in range(len(secret) - GRAM + 1)
    }
    found = ((at, grams.get(data[at : at + GRAM])) for at in _positions(data))
    return [(each.kind, each.secret, data[at - 30 : at + 30]) for at, each in found if each is not None][:20]


def _positions(data: bytes) -> Iterator[int]:
    """Where printable text of at least eight bytes is."""
    for run in re.finditer(rb"[\n\x20-\x7e]{8,}", data):
        yield from range(run.start(), run.end() - GRAM + 1)


def test_few_harmless_values_are_hidden() -> None:
    """As many as the reference says."""
    values = harmless()
    hidden = [value for value in values if _shown(value) != value]
    page = (Path(__file__).parents[3] / "docs/reference/redaction.md").read_text()
    (told,) = re.findall(r"Of (\d+) harmless values \(.*?\) (\d+) is hidden", page, re.DOTALL)
    assert (str(len(values)), str(len(hidden))) == told, hidden


def _shown(value: str) -> object:
    with captured() as capture, span("holder", value=value):
        pass
    return capture.trace().root.attributes["value"]
