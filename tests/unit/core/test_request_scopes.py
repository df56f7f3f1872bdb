"""What is recorded of an ASGI scope, and that nothing in it, however wrong, does any harm."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scope import _core
from scope.testing import captured
from tests.unit.core.beginning import HEADER, begun, with_headers

from .inside import http

pytestmark = pytest.mark.usefixtures("no_integrations")


def test_the_scope_is_described_under_opentelemetrys_names() -> None:
    headers = [(b"host", b"shop.example"), (b"user-agent", b"curl/8"), (b"cookie", b"session=1")]
    trace = begun(http(scheme="https", http_version="2", client=("10.0.0.1", 1), headers=headers, method="PUT"))
    said = {name: value for name, value in trace.root.attributes.items() if not name.startswith("http.request")}
    assert said == {
        "url.path": "/work",
        "url.scheme": "https",
        "network.protocol.version": "2",
        "client.address": "10.0.0.1",
        "server.address": "shop.example",
        "user_agent.original": "curl/8",
    }
    assert (trace.request.method, trace.request.path) == ("PUT", "/work")


@pytest.mark.parametrize("kind", ["http", "websocket", "lifespan"])
def test_the_three_kinds_of_scope_are_told_apart(kind: str) -> None:
    assert begun({"type": kind}).request.kind == kind


@pytest.mark.parametrize(
    "scope", [None, 3, [], "http", {}, {"type": None}, {"type": b"http"}, {"type": "other"}, UserDict(http())], ids=repr
)
def test_what_is_no_scope_begins_no_request(scope: Any) -> None:
    with captured() as capture:
        assert _core.begin_request(scope, HEADER, True) is None
    assert capture.traces() == []


@pytest.mark.parametrize("wrong", [(), ({},), ({}, "text", True), ({}, b"x", True, 1)], ids=repr)
def test_wrong_arguments_are_the_callers_fault(wrong: tuple[object, ...]) -> None:
    begin: Any = _core.begin_request
    with pytest.raises(TypeError, match="begin_request"):
        begin(*wrong)


class Text(str):
    """A subclass, as frameworks have them."""

    __slots__ = ()


class Hostile:
    """Raises whatever one does with it (but for what pytest and hypothesis look at)."""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        return hash("path")

    def __iter__(self) -> Any:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __repr__(self) -> str:
        return "Hostile()"


NAMES = st.sampled_from([HEADER, b"traceparent", b"tracestate", b"host", b"user-agent", b"other"])


ANYTHING: st.SearchStrategy[Any] = st.deferred(
    lambda: st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.binary(),
        st.builds(Text, st.text()),
        st.builds(bytearray, st.binary()),
        st.builds(Hostile),
        st.lists(ANYTHING, max_size=3),
        st.lists(ANYTHING, max_size=3).map(tuple),
        st.lists(st.tuples(NAMES, st.binary()), max_size=4),
        st.dictionaries(st.text(max_size=3), ANYTHING, max_size=2),
    )
)


FIELDS = ["method", "path", "headers", "scheme", "http_version", "client", "server", "root_path", "query_string"]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["http", "websocket", "lifespan"]), st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_nothing_in_a_scope_raises(kind: str, fields: dict[str, Any]) -> None:
    trace = begun({"type": Text(kind), **fields})
    assert trace.request.kind == kind
    assert trace.request.complete


@pytest.mark.parametrize("key", [Hostile(), 3, b"path", None], ids=repr)
def test_keys_that_are_no_str_are_passed_over(key: Any) -> None:
    assert begun({key: 1, "type": "http"}).request.kind == "http"


def test_a_long_path_is_cut_and_a_secret_in_it_masked() -> None:
    assert len(begun(http(path="/" + "x" * 5000)).request.path) == 1024
    assert "hunter2" not in begun(http(path="/login;password=hunter2")).request.path


def test_ill_formed_text_is_written_escaped() -> None:
    assert begun(http(path="/\udcff")).request.path == "/\\udcff"


def test_as_many_bytes_of_foreign_headers_as_fit_are_kept() -> None:
    trace = with_headers((b"host", b"h" * 100_000), (b"user-agent", b"agent \xff\x00\r\n"))
    assert trace.root.attributes["server.address"] == "h" * 256
    assert trace.root.attributes["user_agent.original"] == "agent "
