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


SUITES = {
    suite.name: suite
    for suite in (
        Suite("starlette", group="dev", extra="full"),
        Suite("fastapi", group="tests", extra="all", arguments=("-p", "no:sugar")),
    )
}
