"""``python -m load_tests.idle_memory``: what tracing adds to the memory of a server's worker that has nothing to do.

The smallest FastAPI application is served with and without tracing, one after the other, several times. Compared is
what a worker holds once it has started: its own memory, as a proportional share of what it shares with others, and with
tracing all that stands behind its segment's file, whether or not the worker has touched it. The median decides; exit
code 0 if it is within the limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from .processes import Child, free_port, wait_until_logged
from .stack import STARTED, isolated, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_BYTES: Final = 2 << 20
SETTLE_S: Final = 1.0
BARE: Final = "load_tests.overhead.hello:bare_fastapi"
TRACED: Final = "load_tests.overhead.hello:traced_fastapi"


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes of a worker: its own without its segment, and those that stand behind the segment's file."""

    own: int
    segment: int


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="scope-bytecode-") as bytecode:
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
        _compare(compiled)  # compiling takes memory, which an installed package does not
        added = [_compare(compiled) for _ in range(options.rounds)]
    found = int(median(added))
    print(f"median of {options.rounds}: an idle worker costs {_mib(found)} more; the limit is {_mib(LIMIT_BYTES)}")
    return 0 if found <= LIMIT_BYTES else 1


def _compare(settings: Mapping[str, str]) -> int:
    """Bytes that a worker takes more with tracing than without."""
    with tempfile.TemporaryDirectory(prefix="scope-idle-", dir=_in_memory()) as name:
        environment = isolated(Path(name), settings)
        bare = _measure(BARE, Path(name), environment)
        traced = _measure(TRACED, Path(name), environment)
    added = traced.own - bare.own + traced.segment
    sides = f"bare {_mib(bare.own)}; traced {_mib(traced.own)}, and its segment {_mib(traced.segment)}"
    print(f"{sides}: {_mib(added)} more", flush=True)
    return added


def _measure(app: str, directory: Path, environment: Mapping[str, str]) -> Held:
    name = app.rpartition(":")[2]
    with serving(name, app, free_port(), directory, environment, "--factory") as child:
        wait_until_logged(child, STARTED, 1)
        time.sleep(SETTLE_S)
        return _held(child, directory / "scope" / "segments")


def _held(child: Child, segments: Path) -> Held:
    """Memory of the one process; a segment's pages count with its file alone."""
    own = 0
    is_segment = False
    for line in Path(f"/proc/{child.process.pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            is_segment = line.endswith(".seg") or ".seg " in line
        elif words[0] == "Pss:" and not is_segment:
            own += int(words[1]) * 1024
    files = segments.glob("*.seg") if segments.is_dir() else ()
    return Held(own, sum(path.stat().st_blocks * 512 for path in files))


def _in_memory() -> str | None:
    """Where segments are by default: file systems differ in what they allocate."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() else None


def _mib(size: int) -> str:
    return f"{size / 2**20:.2f} MiB"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.idle_memory", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of one worker each way (default %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
