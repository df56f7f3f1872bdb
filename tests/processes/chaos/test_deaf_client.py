"""A client that asks for a stream and never reads it: its request is in flight, and costs nobody memory."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.servers import ROOT, collector, scope, server
from tests.support.stored import stored, when_stored
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

PAUSED_S: Final = 3
"""How long the stream stands still before memory is weighed again."""
MOST: Final = 1.25
"""What either process may take afterwards, compared with before."""

DEAF = """
import socket, sys, time
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
client.connect(("127.0.0.1", int(sys.argv[1])))
client.sendall(b"GET /flood/x HTTP/1.1\\r\\nHost: x\\r\\nX-Request-ID: deaf-" + sys.argv[2].encode() + b"\\r\\n\\r\\n")
time.sleep(1000)
"""


@contextmanager
def deaf(port: int, number: int) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", DEAF, str(port), str(number)], cwd=ROOT) as client:
        try:
            yield client
        finally:
            client.kill()


def rss_bytes(pid: int) -> int:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) * 1024


@pytest.mark.parametrize("protocol", ["h11", "httptools"])
def test_a_stream_that_nobody_reads_is_in_flight_bounded_and_ends_with_its_client(
    tmp_path: Path, protocol: str
) -> None:
    with server(tmp_path, options=["--http", protocol]) as running, collector(tmp_path) as collecting:
        running.get("/hello/you", "before")
        when_stored("before")
        with deaf(running.port, 0) as client:
            before = when_stored("deaf-0", lambda each: each.state == "open" and each.events > 1)
            sent = eventually(lambda: _stands_still("deaf-0"))
            memory = [rss_bytes(pid) for pid in (running.pid, collecting.pid)]
            time.sleep(PAUSED_S)
            assert when_stored("deaf-0").events == sent
            assert "deaf-0" in scope("inflight")
            for pid, earlier in zip((running.pid, collecting.pid), memory, strict=True):
                assert rss_bytes(pid) < MOST * earlier
            assert running.get("/hello/you", "beside").status == 200
            client.send_signal(signal.SIGKILL)
            ended = when_stored("deaf-0", lambda each: each.state != "open")
        assert (before.path, ended.path) == ("/flood/x", "/flood/x")
        assert (ended.outcome, ended.complete) == ("disconnected", True)
        assert ended.duration_ns > PAUSED_S * 1_000_000_000
        assert "deaf-0" not in scope("inflight")
        running.stop()
    assert stored().keys() == {"before", "beside", "deaf-0"}


def _stands_still(id: str) -> int:
    """The number of its events, once no more of them come."""
    events = when_stored(id).events
    time.sleep(1)
    return events if when_stored(id).events == events else 0
