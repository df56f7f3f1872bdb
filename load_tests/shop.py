"""Drives the example shop with a realistic mix of journeys, bounded in time and in number of requests."""

from __future__ import annotations

import asyncio
import random
import secrets
import time

import httpx

from .journeys import MIX
from .report import Report, summarise
from .visitor import Budget, Enough, Visitor

MOST_SECONDS = 3600.0
MOST_REQUESTS = 1_000_000


def run_mix(
    base_url: str,
    *,
    seconds: float | None = None,
    requests: int | None = None,
    visitors: int = 8,
    seed: int = 1,
    admin_key: str = "",
) -> Report:
    """Let ``visitors`` use the shop at ``base_url`` side by side until ``seconds`` or ``requests`` are used up.

    Each request carries an X-Request-ID of its own, found in the report. The same ``seed`` makes the same journeys.

    Raises:
        ValueError: Neither bound is given, one is not positive, or the address is not of this machine.
    """
    return asyncio.run(drive(base_url, seconds, requests, visitors, seed, admin_key))


async def drive(
    base_url: str, seconds: float | None, requests: int | None, visitors: int, seed: int, admin_key: str
) -> Report:
    """As :func:`run_mix`, in a running event loop."""
    if seconds is None and requests is None:
        raise ValueError("give seconds or requests: a load test has an end")
    if min(seconds or 1, requests or 1, visitors) <= 0:
        raise ValueError("seconds, requests and visitors are above zero")
    if httpx.URL(base_url).host not in {"127.0.0.1", "localhost", "::1"}:
        raise ValueError(f"{base_url} is not of this machine: load tests stay on the loopback")
    start_ns = time.monotonic_ns()
    deadline_ns = start_ns + int(min(seconds or MOST_SECONDS, MOST_SECONDS) * 1e9)
    budget = Budget(f"mix-{secrets.token_hex(4)}", min(requests or MOST_REQUESTS, MOST_REQUESTS), deadline_ns)
    async with asyncio.TaskGroup() as tasks:
        for number in range(visitors):
            tasks.create_task(visit(base_url, budget, random.Random(seed * 1000 + number), admin_key))
    return summarise(base_url, (time.monotonic_ns() - start_ns) / 1e9, budget.samples)


async def visit(base_url: str, budget: Budget, chance: random.Random, admin_key: str) -> None:
    """One visitor's journeys, until the budget is used up."""
    journeys, weights = zip(*MIX.items(), strict=True)
    async with httpx.AsyncClient(base_url=base_url) as http:
        visitor = Visitor(http, budget, chance, admin_key)
        try:
            while True:
                await chance.choices(journeys, weights)[0](visitor)
        except Enough:
            return
