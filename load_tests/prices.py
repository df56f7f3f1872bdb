"""Requests for prices at full speed, each distinct: the load of the proofs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvloop

from example_app.seed import PRODUCTS

from .generator import Answer, Request, generate, get
from .processes import HOST
from .proof import Sent
from .report import quantile

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_QUANTITY = 997  # a prime other than the number of products, so that the pairs take long to repeat


@dataclass(frozen=True, slots=True)
class Run:
    """What was sent, by id, and how it went; ``unanswered`` counts the requests that got no answer."""

    sent: dict[str, Sent]
    unanswered: int
    seconds: float
    p50_ns: int
    p99_ns: int


def send_prices(port: int, count: int, *, connections: int = 16, depth: int = 4) -> Run:
    """Ask for ``count`` prices, each request with an X-Request-ID, product and quantity of its own."""
    prefix = secrets.token_hex(4)
    answers: list[Answer] = []

    def requests() -> Iterator[Request]:
        for number in range(count):
            yield get(number, path_of(number), f"{prefix}-{number:07d}", HOST)

    unanswered = uvloop.run(generate(HOST, port, requests(), connections=connections, depth=depth, keep=answers.append))
    seconds = (max(a.received_ns for a in answers) - min(a.sent_ns for a in answers)) / 1e9 if answers else 0.0
    latencies = [answer.received_ns - answer.sent_ns for answer in answers]
    sent = {f"{prefix}-{answer.number:07d}": _sent(prefix, answer) for answer in answers}
    return Run(sent, len(unanswered), seconds, quantile(latencies, 0.5), quantile(latencies, 0.99))


def quantity_of(number: int) -> int:
    return 1 + number % LARGEST_QUANTITY


def path_of(number: int) -> str:
    return f"/products/{1 + number % PRODUCTS}/price?quantity={quantity_of(number)}"


def _sent(prefix: str, answer: Answer) -> Sent:
    path = path_of(answer.number).partition("?")[0]
    request_id = f"{prefix}-{answer.number:07d}"
    return Sent(request_id, path, quantity_of(answer.number), answer.status, answer.request_id, answer.body_bytes)
