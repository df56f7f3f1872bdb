"""Whose ids a request has."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from scope import current_request
from scope.testing import captured
from tests.unit.core.beginning import HEADER, begun, with_headers

from .inside import http, serve

pytestmark = pytest.mark.usefixtures("no_integrations")


TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_ids_are_made_where_the_caller_sends_none() -> None:
    one, two = (begun(http()).request for _ in range(2))
    assert re.fullmatch("[0-9a-f]{32}", one.trace_id)
    assert re.fullmatch("[0-9a-f]{16}", one.span_id)
    assert one.id == one.trace_id
    assert one.remote_parent_id is None
    assert {one.trace_id, one.span_id}.isdisjoint({two.trace_id, two.span_id})


@pytest.mark.parametrize("valid", [b"a", b"A-z_0.9:~+/=@", b"x" * 128])
def test_a_valid_request_id_is_taken_over(valid: bytes) -> None:
    request = with_headers((HEADER, valid)).request
    assert request.id == valid.decode()
    assert request.trace_id != request.id


@pytest.mark.parametrize(
    "hostile",
    [b"", b"x" * 129, b"a b", b"a\r\nset-cookie: b", b"a\0b", b"\x1b[31m", "é".encode(), b"a,b", b"<a>", b"%0a"],
)
def test_a_hostile_request_id_is_replaced_and_nowhere_echoed(hostile: bytes) -> None:
    async def work() -> None:
        request = current_request()
        assert request is not None
        assert request.response_header == (HEADER, request.trace_id.encode())

    with captured() as capture:
        asyncio.run(serve(work, http(headers=[(HEADER, hostile)])))
    request = capture.trace().request
    assert request.id == request.trace_id
    if len(hostile) > 1:
        assert hostile.decode("latin-1") not in repr(capture.events())


def test_the_last_of_several_request_ids_counts() -> None:
    assert with_headers((HEADER, b"one"), (HEADER, b"two")).request.id == "two"


def test_the_callers_trace_goes_on() -> None:
    trace = with_headers((b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()), (b"tracestate", b"a=1,b=2"))
    assert (trace.request.trace_id, trace.request.remote_parent_id) == (TRACE, PARENT)
    assert trace.request.id == TRACE
    assert trace.root.attributes["tracestate"] == "a=1,b=2"
    assert trace.root.parent_id is None


@pytest.mark.parametrize(
    "invalid",
    [
        "",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00_{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0g",
        "x" * 55,
    ],
)
def test_an_invalid_traceparent_begins_a_trace_of_our_own(invalid: str) -> None:
    trace = with_headers((b"traceparent", invalid.encode()), (b"tracestate", b"a=1"))
    assert trace.request.trace_id != TRACE
    assert trace.request.remote_parent_id is None
    assert "tracestate" not in trace.root.attributes


def test_a_later_version_of_traceparent_is_read_as_far_as_it_is_known() -> None:
    assert with_headers((b"traceparent", f"cc-{TRACE}-{PARENT}-01-more".encode())).request.trace_id == TRACE


@pytest.mark.parametrize("invalid", [b"", b"x" * 513, b"a=\xff", b"a\n"])
def test_an_invalid_tracestate_is_dropped_without_the_traceparent(invalid: bytes) -> None:
    trace = with_headers((b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()), (b"tracestate", invalid))
    assert trace.request.trace_id == TRACE
    assert "tracestate" not in trace.root.attributes


def test_an_untrusted_caller_chooses_no_id() -> None:
    request = with_headers((HEADER, b"mine"), (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()), trust=False).request
    assert request.id == request.trace_id != TRACE
    assert request.remote_parent_id is None


def test_the_request_tells_its_ids_while_it_runs() -> None:
    seen: list[Any] = []

    def work() -> None:
        request = current_request()
        assert request is not None
        seen.extend([request.id, request.trace_id, request.span_id, request.traceparent, request.tracestate])
        seen.extend([request.route, request.response_started, repr(request)])

    headers = [(HEADER, b"r-1"), (b"traceparent", f"00-{TRACE}-{PARENT}-00".encode()), (b"tracestate", b"v=1")]
    with captured() as capture:
        asyncio.run(serve(work, http(headers=headers)))
    root = capture.trace().root.span_id
    assert seen == ["r-1", TRACE, root, f"00-{TRACE}-{root}-00", "v=1", None, False, "<scope.Request id='r-1'>"]
