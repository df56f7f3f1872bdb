"""Requests that are begun with a scope and ended at once."""

from __future__ import annotations

from typing import Any

from scope import _core
from scope.model import Trace
from scope.testing import captured

from .inside import http

HEADER = b"x-request-id"


def begun(scope: Any, *, trust: bool = True) -> Trace:
    """The trace of a request that was begun with ``scope`` and ended at once."""
    with captured() as capture:
        request = _core.begin_request(scope, HEADER, trust)
        assert request is not None
        request.end(0)
    return capture.trace()


def with_headers(*headers: tuple[bytes, bytes], trust: bool = True) -> Trace:
    return begun(http(headers=list(headers)), trust=trust)
