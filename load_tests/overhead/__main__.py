"""``python -m load_tests.overhead``: what tracing costs on this machine, as JSON; see load_tests/README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from typing import TYPE_CHECKING

from ..stack import SHARED_MEMORY, scratch
from .parts import PARTS, Plan, quick

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .figures import Figure


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    start = time.monotonic()
    figures: dict[str, Figure] = {}
    with scratch() as directory, scratch(SHARED_MEMORY) as memory:
        plan = (quick if options.quick else Plan)(directory, memory, pin=options.pin)
        for part in options.parts:
            print(f"measuring {part} ...", file=sys.stderr)
            figures |= PARTS[part](plan)
    print(json.dumps(_document(figures, options, time.monotonic() - start), indent=2))
    return 1 if options.check and any(item.met is False for item in figures.values()) else 0


def _document(figures: Mapping[str, Figure], options: argparse.Namespace, seconds: float) -> dict[str, object]:
    return {
        "machine": {
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
            "load_average": os.getloadavg(),
        },
        "plan": "quick" if options.quick else "full",
        "pinned": options.pin,
        "seconds": round(seconds, 1),
        "figures": {name: item.as_json() for name, item in figures.items()},
    }


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(PARTS)}")
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m load_tests.overhead", description=__doc__)
    parts = f"what to measure, of {', '.join(PARTS)}; default: all"
    parser.add_argument("parts", nargs="*", type=_part, default=list(PARTS), metavar="PART", help=parts)
    parser.add_argument("--quick", action="store_true", help="within a minute, with more noise")
    parser.add_argument("--pin", action="store_true", help="servers on one processor, everything else on the others")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a limit is missed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
