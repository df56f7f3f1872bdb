"""The foreign test suites that must not notice scope, and the tests in them that may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Suite:
    """A distribution whose source archive holds its tests.

    ``group`` is the dependency group of its pyproject.toml that its tests need, ``extra`` the extra. ``explained``
    names tests whose outcome may differ under ScopeMiddleware, each with the reason.
    """

    name: str
    group: str
    extra: str
    arguments: tuple[str, ...] = ()
    explained: Mapping[str, str] = field(default_factory=dict[str, str])


_HEADER = "compares every header of the response, and X-Request-ID is one more"

SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            "starlette",
            group="dev",
            extra="full",
            explained={
                f"{test}[{backend}]": _HEADER
                for backend in ("asyncio", "trio")
                for test in (
                    "tests/middleware/test_base.py::test_multiple_middlewares_stacked_client_disconnected",
                    "tests/test_routing.py::test_websocket_route_middleware",
                    "tests/test_websockets.py::test_additional_headers",
                    "tests/test_websockets.py::test_no_additional_headers",
                )
            },
        ),
        Suite("fastapi", group="tests", extra="all", arguments=("-p", "no:sugar")),
    )
}
