"""Real servers and collectors for tests of processes: loopback, ports that the system chooses, every wait bounded."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scope.capture.autostart import is_collected
from scope.config import load

from .waiting import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
PLAIN = "tests.support.plain:app"
QUIET = {"SCOPE_COLLECTOR_AUTOSTART": "false"}


class Response(NamedTuple):
    """``id`` is the correlation id that the response carries."""

    status: int
    body: str
    id: str


@dataclass(frozen=True)
class Running:
    """A process in a session of its own, with its output in a file."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def workers(self) -> list[int]:
        """The processes that serve: those that have started no others."""
        below = descendants(self.pid)
        return [pid for pid in below if not descendants(pid)] or [self.pid]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it as a service manager does; its exit code, negative for a signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)


@dataclass(frozen=True)
class Server(Running):
    port: int = 0

    def get(self, path: str, id: str = "") -> Response:
        return fetch(self.port, path, id)

    def ask(self, path: str, id: str) -> Asking:
        return Asking(self.port, path, id)


def fetch(port: int, path: str, id: str = "") -> Response:
    """GET ``path`` on a connection of its own, under the correlation id ``id``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path, headers={"X-Request-ID": id} if id else {})
        response = connection.getresponse()
        return Response(response.status, response.read().decode(), response.headers.get("X-Request-ID", ""))
    finally:
        connection.close()


class Asking:
    """A request made in a thread of its own, for one that does not end before the test lets it."""

    def __init__(self, port: int, path: str, id: str) -> None:
        self._answer: Response | OSError | http.client.HTTPException | None = None
        self._thread = threading.Thread(target=self._ask, args=(port, path, id))
        self._thread.start()

    def _ask(self, port: int, path: str, id: str) -> None:
        try:
            self._answer = fetch(port, path, id)
        except (OSError, http.client.HTTPException) as error:
            self._answer = error

    def answer(self) -> Response | None:
        """The response; None where the connection broke."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self._answer if isinstance(self._answer, Response) else None


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    directory: Path,
    settings: Mapping[str, str],
    descriptors: Sequence[int] = (),
) -> Iterator[Running]:
    """Run ``command``, which inherits ``descriptors``; nothing of its session is left at the end of the block."""
    log = directory / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **settings, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=descriptors,
        )
    try:
        yield Running(process, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)


@contextmanager
def server(
    directory: Path,
    app: str = PLAIN,
    *,
    workers: int = 0,
    options: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    name: str = "server",
    descriptors: Sequence[int] = (),
) -> Iterator[Server]:
    """Uvicorn with ``app``, ready; no collector comes with it. ``prefix`` goes before the command."""
    command = [*prefix, sys.executable, "-m", "uvicorn", app, "--port", "0", "--app-dir", str(ROOT), "--no-access-log"]
    command += ["--workers", str(workers)] * bool(workers) + list(options)
    with running(name, command, directory, {**QUIET, **(settings or {})}, descriptors) as started:
        port = eventually(lambda: _port(started, max(workers, 1)))
        yield Server(started.process, started.log, port)


def _port(started: Running, workers: int) -> int:
    """Where it listens, once all its workers are ready; 0 until then."""
    assert started.process.poll() is None, started.output()
    output = started.output()
    found = re.search(r"running on http://127\.0\.0\.1:(\d+)", output)
    ready = output.count("Application startup complete.") >= workers
    return int(found.group(1)) if found and ready else 0


@contextmanager
def collector(
    directory: Path, *, settings: Mapping[str, str] | None = None, name: str = "collector"
) -> Iterator[Running]:
    """``scope collect``, at work; at the end of the block it drains and has to exit with 0, unless it has ended."""
    with running(name, [sys.executable, "-m", "scope", "collect"], directory, settings or {}) as started:
        eventually(lambda: is_collected(load().lock_path) or started.process.poll() is not None)
        assert started.process.poll() is None, started.output()
        yield started
        if started.process.poll() is None:
            assert started.stop() == 0, started.output()


def scope(*arguments: str, directory: Path | None = None, settings: Mapping[str, str] | None = None) -> str:
    """What the command line prints; it has to succeed."""
    done = attempt(*arguments, directory=directory, settings=settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def attempt(
    *arguments: str, directory: Path | None = None, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command line, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "scope", *arguments],
        cwd=directory,
        env={**os.environ, **(settings or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )


def descendants(pid: int) -> list[int]:
    """The living processes below ``pid``, but for the resource tracker of multiprocessing."""
    found: list[int] = []
    for child in _children(pid):
        command = _read(f"/proc/{child}/cmdline")
        if command and "resource_tracker" not in command:
            found += [child, *descendants(child)]
    return found


def _children(pid: int) -> list[int]:
    tasks = f"/proc/{pid}/task"
    with suppress(OSError):
        return [int(child) for task in Path(tasks).iterdir() for child in _read(f"{task}/children").split()]
    return []


def _read(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text(errors="replace")
    return ""
