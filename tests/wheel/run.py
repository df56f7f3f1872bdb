"""Builds the wheel, installs it elsewhere and traces a real server with it: ``python -m tests.wheel.run``."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
REQUESTS = 5
PATIENCE_S = 30
PIP = ("-m", "pip", "-qq", "--disable-pip-version-check")


def build(folder: Path) -> Path:
    """The wheel, built as pip builds it for a user: in isolation, from the checkout."""
    subprocess.run([sys.executable, *PIP, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    return next(folder.glob("asgi_scope-*.whl"))


def install(wheel: Path, folder: Path) -> Path:
    """A new environment that holds the wheel and a server; the folder of its commands."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    commands = folder / "bin"
    subprocess.run([commands / "python", *PIP, "install", wheel, "fastapi", "uvicorn"], check=True)
    return commands


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def server(commands: Path, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """The base URL of a running server, which is stopped as a service manager stops it."""
    port = free_port()
    process = subprocess.Popen(
        [commands / "uvicorn", "shop:app", "--port", str(port), "--log-level", "warning"], cwd=folder, env=environment
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def get(url: str, request_id: str) -> None:
    """One request, answered with its own correlation id; waits for a server that is still starting."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers={"X-Request-ID": request_id})) as response:
                assert response.headers["X-Request-ID"] == request_id, response.headers
                return
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def listed(output: str) -> list[dict[str, Any]]:
    """The objects that ``ls --json`` printed, as one array or one a line."""
    if output.lstrip().startswith("["):
        return list(json.loads(output))
    return [json.loads(line) for line in output.splitlines()]


def check(commands: Path, folder: Path) -> None:
    """Traces ``shop`` from ``folder`` and finds every request of it in the store."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SCOPE_", "PYTHON"))}
    environment |= {"SCOPE_DIR": str(folder / "traces"), "SCOPE_COLLECTOR_AUTOSTART": "false"}

    def scope(*arguments: str) -> str:
        return subprocess.run(
            [commands / "scope", *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert version in scope("--version")
    shutil.copy(Path(__file__).with_name("shop.py"), folder)
    sent = [f"wheel-{number}" for number in range(REQUESTS)]
    with server(commands, folder, environment) as url:
        for number, request_id in enumerate(sent):
            get(f"{url}/items/{number}", request_id)
    scope("collect", "--once")
    requests = {each["id"]: each for each in listed(scope("ls", "--json")) if each["method"] == "GET"}
    assert sorted(requests) == sent, sorted(requests)
    for request in requests.values():
        assert (request["route"], request["status"], request["complete"]) == ("/items/{number}", 200, True), request


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="scope-wheel-") as name:
        folder = Path(name)
        wheel = build(folder)
        print(f"{wheel.name}: {wheel.stat().st_size // 1024} KiB")
        check(install(wheel, folder / "venv"), folder)
    print(f"installed elsewhere, it traced {REQUESTS} requests of a server; all are in the store")


if __name__ == "__main__":
    main()
