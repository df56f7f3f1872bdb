"""What can go wrong with the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ScopeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import RequestSummary

__all__ = ["Ambiguous", "NotFound", "StoreBusy", "StoreError", "StoreFull", "StoreUnavailable"]


class StoreError(ScopeError):
    """Anything that the store reports."""


class StoreUnavailable(StoreError):
    """There is no store, or what is there cannot be read: damaged, or of a newer version."""


class StoreBusy(StoreError):
    """Another process holds the store's lock; the same call can be made again."""


class StoreFull(StoreError):
    """The disk takes no more, or must not be written; nothing was changed, and the same call can be made again."""


class NotFound(StoreError):
    """No stored request is meant by a reference."""


class Ambiguous(StoreError):
    """A prefix stands for several requests: ``candidates`` are some of them, the newest first."""

    def __init__(self, message: str, candidates: Sequence[RequestSummary]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)
