"""The collector: its own process, one per session directory, that drains segments and stores requests."""

from .errors import CollectorRuns
from .run import run

__all__ = ["CollectorRuns", "run"]
