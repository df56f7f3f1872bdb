"""Child process: runs a block of requests for each line it reads, traced or not, and prints what it cost.

A line is the name of a workload. What is printed: nanoseconds of CPU of the block, and of the ledger of its requests
(0 where nothing is traced), both of one request on average.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

REQUESTS = 40
RULE = "load_tests.self_cost.work:*"
_START: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"127.0.0.1:8000")],
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
}


async def receive() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(_: MutableMapping[str, Any]) -> None:
    return


async def requests(app: Any, path: str, count: int) -> None:
    """``count`` requests one after the other, each in a task of its own, as a server runs them."""
    loop = asyncio.get_running_loop()

    async def request() -> None:
        await app({**_START, "path": path, "raw_path": path.encode(), "state": {}}, receive, send)

    for _ in range(count):
        await loop.create_task(request())


def bare() -> tuple[Any, Callable[[], float]]:
    """The application as it is, and a ledger without entries."""
    from .work import serve  # noqa: PLC0415 - the traced side imports it later, with its functions recorded

    return serve(None), lambda: 0.0


def traced() -> tuple[Any, Callable[[], float]]:
    """The application with its functions recorded; and what the ledger says of a request since it was last asked."""
    from scope import ScopeMiddleware, _core, configure, span  # noqa: PLC0415 - the bare side must not load it
    from scope.instrument.probing import probing  # noqa: PLC0415 - as above

    configure(probes={"rules": [RULE]})
    probing.install()
    from .work import serve  # noqa: PLC0415 - as above

    app = serve(span)
    app.add_middleware(ScopeMiddleware)
    _core.start()
    session = _core.get_session()
    assert session is not None
    correlator = _core.Correlator(max_bytes=1 << 30)
    correlator.set_costs(json.loads(subprocess.check_output([sys.executable, "-P", "-m", "scope.calibration"])))
    slot = correlator.add(_core.Segment(session.path), 0)
    tracing, complete = (_core.SUMMARY_FIELDS.index(name) for name in ("tracing_ns", "complete"))

    def ledger() -> float:
        for _ in range(3):
            correlator.drain(slot)
        found = [row[tracing] for row in correlator.take(1 << 20) if row[complete]]
        return float(sum(found) / max(len(found), 1))

    return app, ledger


def main(side: str) -> None:
    """Run blocks on demand until the input ends."""
    app, ledger = traced() if side == "traced" else bare()
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            path = f"/{line.strip()}"
            runner.run(requests(app, path, REQUESTS // 4))  # the caches hold what the process before left in them
            ledger()
            start = time.thread_time_ns()
            runner.run(requests(app, path, REQUESTS))
            spent = (time.thread_time_ns() - start) / REQUESTS
            print(spent, ledger(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
