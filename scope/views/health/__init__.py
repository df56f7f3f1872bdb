"""Is everything as it must be for requests to be traced and found again? Each check looks, none changes anything."""

from .check import Check, Status
from .diagnosis import diagnose

__all__ = ["Check", "Status", "diagnose"]
