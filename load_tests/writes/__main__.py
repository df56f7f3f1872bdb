"""What one write costs: its instructions whatever the collector does, and how long it takes under a lapping reader.

    python -m load_tests.writes

Both are measured in C on the core's own source, compiled as it ships. Exits with 0 if a writer's work is bounded, and
the same with a collector that reads, stands still, was killed, or never was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CORE: Final = ROOT / "scope" / "core"
TESTS: Final = ROOT / "tests" / "core"
NOT_MEASURED: Final = 77

# As scope/core/CMakeLists.txt has them.
FLAGS: Final = ["-std=c11", "-O2", "-fPIC", "-fno-strict-aliasing", "-D_GNU_SOURCE", "-pthread"]
SOURCES: Final = [CORE / name for name in ("identity.c", "reader.c", "ring.c", "segment.c")]
PROGRAMS: Final = {"steps.c": [TESTS / "step" / "step.c"], "latency.c": []}


def build(name: str, further: list[Path], directory: Path) -> Path:
    """Compile one of the programs into ``directory``."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or "clang"
    program = directory / Path(name).stem
    sources = [*SOURCES, *further, Path(__file__).with_name(name)]
    where = [f"-I{path}" for path in (CORE, TESTS, TESTS / "step")]
    subprocess.run([compiler, *FLAGS, *where, *map(str, sources), "-o", str(program)], check=True)
    return program


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for name, further in PROGRAMS.items():
            ended = subprocess.run([build(name, further, Path(directory))], check=False)
            failed += ended.returncode not in (0, NOT_MEASURED)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
