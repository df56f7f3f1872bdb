"""What an application does, for the tracer that steps it: requests with spans, before and after a fork, and in a child.

    python emit.py SEGMENT CHILDS_SEGMENT

Stepped is what lies between two SIGUSR2 that it sends to itself; without a tracer the first one ends it.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Any

from scope import annotate, mark, probe, span
from scope._core import Session, begin_request, set_starter


def begin_in(path: str) -> None:
    small = 1 << 15
    set_starter(lambda: Session(path, lanes=2, first_lane_bytes=small, lane_bytes=small, definitions_bytes=small))


@probe
def load(number: int) -> int:
    return number


def work(id: str) -> None:
    """A request with every kind of event that needs no server."""
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": f"/{id}", "headers": []}
    request = begin_request(scope, b"x-request-id", True)
    assert request is not None
    request.set_route("/{id}")
    before = request.activate()
    with suppress(LookupError), span("work", of=id):
        mark("tick")
        annotate(amount=12, currency="EUR")
        raise LookupError(load(1))
    request.deactivate(before)
    request.end(0)


def main() -> None:
    mine, childs = sys.argv[1:]
    begin_in(mine)
    os.kill(os.getpid(), signal.SIGUSR2)
    work("first")
    child = os.fork()
    if child == 0:
        begin_in(childs)
        work("in the child")
        os._exit(0)
    os.waitpid(child, 0)
    work("second")
    os.kill(os.getpid(), signal.SIGUSR2)


if __name__ == "__main__":
    main()
