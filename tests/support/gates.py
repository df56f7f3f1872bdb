"""Gates at which an application in another process waits for the test: files in a directory that both know."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from .waiting import eventually

VARIABLE = "TEST_GATES"


async def pass_gate(name: str) -> None:
    """In the application: tell that the gate is reached, and wait until it is open."""
    gate = Path(os.environ[VARIABLE], name)
    gate.with_suffix(".reached").write_text(str(os.getpid()))
    while not gate.with_suffix(".open").exists():  # noqa: ASYNC110 - what opens it is another process
        await asyncio.sleep(0.005)


class Gates:
    """In the test: the gates below ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        return {VARIABLE: str(self._directory)}

    def reached(self, name: str) -> int:
        """Wait until somebody stands at the gate; the pid of the process."""
        path = self._directory / f"{name}.reached"
        return int(eventually(lambda: path.exists() and path.read_text()) or 0)

    def open(self, name: str) -> None:
        (self._directory / f"{name}.open").touch()
