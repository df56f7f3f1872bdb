"""What the collector says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scope.config import load

if TYPE_CHECKING:
    pass


def status() -> dict[str, Any]:
    return dict(json.loads(Path(load().status_path).read_text()))
