"""The example shop as it runs in production, in a directory of its own: workers, payments service, collector."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .processes import HOST, ROOT, Child, ChildError, free_port, running, wait_until_logged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ADMIN_KEY = "load-test"
SHOP = "shop"
COLLECT_S = 120.0
SHARED_MEMORY = Path("/dev/shm")
STARTED = "Application startup complete."  # what uvicorn says when a worker is ready


@dataclass(frozen=True, slots=True)
class Stack:
    """``collector`` is None where the run goes without one. ``environment`` is what its processes get besides ours."""

    base_url: str
    port: int
    directory: Path
    environment: Mapping[str, str]
    shop: Child
    collector: Child | None

    def drain(self) -> None:
        """Let a collector store what the rings still hold, then end (``scope collect --once``).

        Raises:
            ChildError: It failed.
        """
        collect_rest(self.environment)


def collect_rest(environment: Mapping[str, str]) -> None:
    """Store what the rings of the session in ``environment`` still hold (``scope collect --once``).

    Raises:
        ChildError: It failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "scope", "collect", "--once"],
        cwd=ROOT,
        env=os.environ | dict(environment),
        capture_output=True,
        text=True,
        timeout=COLLECT_S,
        check=False,
    )
    if done.returncode:
        raise ChildError(f"scope collect --once ended with {done.returncode}:\n{done.stderr}")


def isolated(directory: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment variables that keep a run's session, store and database within ``directory``."""
    return {
        "SCOPE_DIR": str(directory / "scope"),
        "SCOPE_COLLECTOR_AUTOSTART": "false",
        "SHOP_DATABASE": str(directory / "shop.sqlite3"),
        "SHOP_ADMIN_KEY": ADMIN_KEY,
        **(settings or {}),
    }


@contextmanager
def scratch(parent: Path | None = None) -> Iterator[Path]:
    """A directory for the time of the block, in ``parent`` where there is one."""
    where = parent if parent is not None and parent.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="scope-load-", dir=where) as directory:
        yield Path(directory)


@contextmanager
def collector(directory: Path, environment: Mapping[str, str]) -> Iterator[Child]:
    """``scope collect`` on the session in ``environment``; at the end of the block it drains and stops."""
    with running("collector", ["-m", "scope", "collect"], directory, environment) as child:
        time.sleep(0.3)
        child.check()
        yield child


@contextmanager
def shop(
    directory: Path,
    *,
    workers: int = 2,
    collect: bool = True,
    payments: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """The shop, serving; everything is stopped at the end of the block, the collector last."""
    environment = isolated(directory, {"SCOPE_SERVICE": SHOP, **(settings or {})})
    with ExitStack() as parts:
        collecting = parts.enter_context(collector(directory, environment)) if collect else None
        if payments:
            environment["SHOP_PAYMENTS_URL"] = parts.enter_context(_payments(directory, environment))
        port = free_port()
        app = serving("shop", "example_app.main:app", port, directory, environment, "--workers", str(workers))
        child = parts.enter_context(app)
        wait_until_logged(child, STARTED, workers)
        yield Stack(f"http://{HOST}:{port}", port, directory, environment, child, collecting)


@contextmanager
def _payments(directory: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The payments service; its address."""
    port = free_port()
    own = {**environment, "SCOPE_SERVICE": "payments"}
    with serving("payments", "example_app.payments:app", port, directory, own) as child:
        wait_until_logged(child, STARTED, 1)
        yield f"http://{HOST}:{port}"


def serving(
    name: str, app: str, port: int, directory: Path, environment: Mapping[str, str], *options: str
) -> AbstractContextManager[Child]:
    """Uvicorn with ``app`` on ``port``."""
    arguments = ["-m", "uvicorn", app, "--port", str(port), "--no-access-log", *options]
    return running(name, arguments, directory, environment)
