"""The long forms: every call of worker and collector failed with every error, and what each hostile writer costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .faults import Faults, build


def sweep() -> int:
    with TemporaryDirectory(prefix="chaos-", dir="/dev/shm") as made:
        directory = Path(made)
        faults = Faults(build(directory), directory / "scope", directory / "page")
        command = [sys.executable, "-m", "tests.processes.chaos.sweep", made]
        with (directory / "log").open("w") as log:
            return subprocess.run(command, env=os.environ | faults.environment, stderr=log, check=False).returncode


def main() -> int:
    measured = [sys.executable, "-m", "tests.processes.chaos.measure"]
    return max(sweep(), subprocess.run(measured, check=False).returncode)


if __name__ == "__main__":
    raise SystemExit(main())
