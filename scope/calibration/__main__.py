"""``python -m scope.calibration``: prints the table of costs."""

from __future__ import annotations

import json
import sys
import tempfile

from ..capture.process import configure
from .calls import call_rows
from .exchanges import exchange_rows


def main() -> int:
    """Measure in a scratch directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scope-calibration-") as scratch:
        configure(
            dir=scratch,
            profile="prod",
            service="calibration",
            enabled=True,
            segment={"dir": scratch, "lanes": 2},
            collector={"autostart": False},
        )
        rows = exchange_rows()
        rows += call_rows()
    json.dump(rows, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
