"""What runs inside the traced process: middleware, probes, and the session they write to."""

from .changes import watch
from .middleware import ScopeMiddleware
from .probes import probe
from .process import configure
from .suppression import suppressed
from .threads import Thread

__all__ = ["ScopeMiddleware", "Thread", "configure", "probe", "suppressed", "watch"]
