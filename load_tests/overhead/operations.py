"""Child process: nanoseconds for one call of the public interface, inside a request."""

from __future__ import annotations

import argparse
import asyncio
import json
from itertools import repeat
from typing import TYPE_CHECKING, Any

from scope import ScopeMiddleware, annotate, mark, probe, span, suppressed

from .rotation import added, rotate, timed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

REPETITIONS = 2000

REQUEST: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/measure",
    "raw_path": b"/measure",
    "query_string": b"",
    "root_path": "",
    "headers": [],
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
}


def plain(value: int) -> int:
    return value


@probe
def probed(value: int) -> int:
    return value


def empty_loop() -> None:
    for _ in repeat(None, REPETITIONS):
        pass


def plain_calls() -> None:
    for _ in repeat(None, REPETITIONS):
        plain(1)


def probed_calls() -> None:
    for _ in repeat(None, REPETITIONS):
        probed(1)


def suppressed_calls() -> None:
    with suppressed():
        for _ in repeat(None, REPETITIONS):
            probed(1)


def marks() -> None:
    for _ in repeat(None, REPETITIONS):
        mark("measured")


def spans() -> None:
    for _ in repeat(None, REPETITIONS):
        with span("measured"):
            pass


def annotate_calls() -> None:
    for _ in repeat(None, REPETITIONS):
        annotate(number=1)


WORK: dict[str, Callable[[], None]] = {
    "empty": empty_loop,
    "empty_again": empty_loop,
    "plain": plain_calls,
    "plain_again": plain_calls,
    "probed": probed_calls,
    "suppressed": suppressed_calls,
    "mark": marks,
    "span": spans,
    "annotate": annotate_calls,
}


def measure(rounds: int) -> dict[str, float]:
    """Nanoseconds each operation adds: to a plain call where it wraps one, else to an empty loop."""
    blocks = {name: timed(work) for name, work in WORK.items()}
    inside = asyncio.run(_inside_a_request(lambda: rotate(blocks, rounds)))
    outside = rotate({name: blocks[name] for name in ("plain", "probed")}, rounds)
    return {
        "probed_call": added(inside, "probed", "plain", REPETITIONS),
        "probed_call_noise": added(inside, "plain_again", "plain", REPETITIONS),
        "plain_call": added(inside, "plain", "empty", REPETITIONS),
        "suppressed_call": added(inside, "suppressed", "plain", REPETITIONS),
        "call_outside_a_request": added(outside, "probed", "plain", REPETITIONS),
        "mark": added(inside, "mark", "empty", REPETITIONS),
        "span": added(inside, "span", "empty", REPETITIONS),
        "annotate": added(inside, "annotate", "empty", REPETITIONS),
        "loop_noise": added(inside, "empty_again", "empty", REPETITIONS),
    }


async def _inside_a_request(work: Callable[[], dict[str, list[int]]]) -> dict[str, list[int]]:
    results: list[dict[str, list[int]]] = []

    async def app(_: Message, __: Callable[[], Awaitable[Message]], send: Callable[..., Any]) -> None:
        results.append(work())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        return

    await ScopeMiddleware(app)(REQUEST, receive, send)
    return results[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=300)
    print(json.dumps(measure(parser.parse_args().rounds)))
