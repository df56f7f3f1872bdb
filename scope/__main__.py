"""``python -m scope``: the same as the command ``scope``."""

from __future__ import annotations

from .views.cli import main

if __name__ == "__main__":
    main()
