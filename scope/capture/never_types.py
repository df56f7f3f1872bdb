"""Types whose values are never captured: what a library made to hold a secret, holds one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WELL_KNOWN", "never_types"]

WELL_KNOWN: Final = (
    "pydantic.SecretStr",
    "pydantic.SecretBytes",
    "pydantic.Secret",
    "starlette.datastructures.Secret",
    "sqlalchemy.engine.URL",
    "http.cookies.Morsel",
    "http.cookies.SimpleCookie",
    "botocore.credentials.Credentials",
    "google.auth.credentials.Credentials",
    "google.oauth2.credentials.Credentials",
    "azure.core.credentials.AzureKeyCredential",
    "azure.core.credentials.AccessToken",
    "httpx.BasicAuth",
    "requests.auth.AuthBase",
    "aiohttp.BasicAuth",
    "paramiko.PKey",
    "ssl.SSLContext",
)
"""The module of a name is that of the class or a package around it: ``pydantic.SecretStr`` is
``pydantic.types.SecretStr``, too."""


def never_types(besides: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
    """The well-known types and those ``besides``, as the native side takes them: by the last part of their names."""
    found: dict[str, tuple[str, ...]] = {}
    for name in (*WELL_KNOWN, *besides):
        module, _, last = name.rpartition(".")
        found[last] = (*found.get(last, ()), module)
    return found
