"""What really happened inside each request of an ASGI application.

``app.add_middleware(scope.ScopeMiddleware)`` is all that is needed; the rest adds detail.
"""

from ._core import annotate, current_request, mark, span
from .capture import ScopeMiddleware, Thread, configure, probe, suppressed, watch

__all__ = [
    "ScopeMiddleware",
    "Thread",
    "annotate",
    "configure",
    "current_request",
    "mark",
    "probe",
    "span",
    "suppressed",
    "watch",
]
