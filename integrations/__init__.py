"""Hooks into frameworks and libraries: what they do for a request becomes spans of it.

``install()`` hooks into those that are imported, ``install(["httpx"])`` into the named ones. Each can be undone without
a trace. ScopeMiddleware installs what the key ``integrations`` names; few need to call this themselves.
"""

from __future__ import annotations

from .registry import INTEGRATIONS, Handle, Integration, IntegrationError, install

__all__ = ["INTEGRATIONS", "Handle", "Integration", "IntegrationError", "install"]
