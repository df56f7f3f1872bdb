"""The collector's memory is bounded, however long a request runs and however much it writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.support.gates import Gates
from tests.support.servers import collector, server
from tests.support.stored import span_names, when_stored
from tests.support.waiting import PATIENCE_S

ROUNDS, MARKS = 30, 10_000
MOST_BYTES = 64 << 20


@pytest.mark.slow
def test_a_request_of_300_000_events_and_a_connection_that_stays_are_stored_in_pieces(tmp_path: Path) -> None:
    gates = Gates(tmp_path / "gates")
    often = {"SCOPE_COLLECTOR_COMMIT_MS": "20ms", "SCOPE_COLLECTOR_POLL_MS": "5ms"}
    headers = {"X-Request-ID": "stays"}
    with collector(tmp_path, settings=often) as collecting, server(tmp_path, settings=gates.environment) as running:
        with connect(f"ws://127.0.0.1:{running.port}/chat", additional_headers=headers) as socket:
            long = running.ask(f"/many/go-{ROUNDS}-{MARKS}", "long")
            for number in range(ROUNDS):
                gates.reached(f"go-{number}")
                gates.open(f"go-{number}")
                # The ring holds some two rounds: the next one has to wait until this is stored.
                when_stored("long", lambda each, so_far=number: each.events >= so_far * MARKS)  # type: ignore[misc]
                socket.send(str(number))
                assert socket.recv(PATIENCE_S) == str(number)
            assert long.answer() is not None
            done = when_stored("long", lambda each: each.state == "done")
            assert (done.complete, done.lost) == (True, 0)
            assert done.events >= ROUNDS * MARKS
            assert when_stored("stays", lambda each: each.spans == 1 + ROUNDS).state == "open"
        stayed = when_stored("stays", lambda each: each.state == "done")
        assert (stayed.complete, stayed.messages_in) == (True, ROUNDS)
        assert len(span_names(stayed)) == 1
        peak = peak_bytes(collecting.pid)
        print(f"peak {peak >> 20} MiB")
        assert peak < MOST_BYTES


def peak_bytes(pid: int) -> int:
    """The most memory that the process has held, what it shares with the traced processes included."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
