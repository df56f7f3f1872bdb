"""An application that knows nothing of scope: one request blocks its loop, others note how late they were.

Times are of CLOCK_MONOTONIC in nanoseconds, which client and server share, so the client sets when everything happens.
"""

from __future__ import annotations

import asyncio
import gc
import time

from fastapi import FastAPI

app = FastAPI()
app.state.ran_ns = 0
gc.freeze()  # a long collection within a request's own step would look as if it had been late


@app.get("/report/{at_ns}/{block_ms}")
async def report(at_ns: int, block_ms: int) -> dict[str, int]:
    """Blocks the loop from ``at_ns`` on; says from when to when."""
    await until(at_ns)
    begin_ns = time.monotonic_ns()
    render(block_ms)
    app.state.ran_ns = time.monotonic_ns()
    return {"begin_ns": begin_ns, "end_ns": app.state.ran_ns}


@app.get("/visit/{due_ns}")
async def visit(due_ns: int) -> dict[str, int]:
    """Sleeps until ``due_ns``; says when it went on, and when the one before it did."""
    await until(due_ns)
    before_ns, app.state.ran_ns = app.state.ran_ns, time.monotonic_ns()
    return {"due_ns": due_ns, "before_ns": before_ns, "woke_ns": app.state.ran_ns}


async def until(moment_ns: int) -> None:
    await asyncio.sleep((moment_ns - time.monotonic_ns()) / 1e9)


def render(block_ms: int) -> None:
    time.sleep(block_ms / 1000)
