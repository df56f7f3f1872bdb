"""The project that a process runs in: what the nearest pyproject.toml says of it."""

# Importing pathlib would cost a traced process more than the rest of its configuration.
# ruff: noqa: PTH113, PTH118, PTH120, PTH123
from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Project", "find_project"]

FILE: Final = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Project:
    """``root`` is the folder of the nearest pyproject.toml (``file``), else the working directory.

    ``name`` is the project's own, ``table`` is ``[tool.scope]``.
    """

    root: str
    file: str | None = None
    name: str = ""
    table: Mapping[str, Any] = field(default_factory=dict[str, Any])


def find_project(cwd: str) -> Project:
    """The project that ``cwd`` (absolute) lies in. Raises ConfigError where its pyproject.toml cannot be read."""
    folder = cwd
    while not os.path.isfile(file := os.path.join(folder, FILE)):
        if (above := os.path.dirname(folder)) == folder:
            return Project(cwd)
        folder = above
    document = _read(file)
    name, table = _find(document, "project", "name"), _find(document, "tool", "scope")
    if not isinstance(table, dict | None):
        message = f"tool.scope in {file} is not a table: write its keys below a line [tool.scope]"
        raise ConfigError(message, key="tool.scope", source=file, allowed="a table")
    return Project(folder, file, name if isinstance(name, str) else "", cast("dict[str, Any]", table or {}))


def _read(file: str) -> dict[str, Any]:
    # Many a server runs without the file, and the parser is not cheap to import.
    import tomllib  # noqa: PLC0415

    try:
        with open(file, "rb") as stream:
            return tomllib.load(stream)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"cannot read {file}: {error}", key="tool.scope", source=file) from error


def _find(document: dict[str, Any], table: str, name: str) -> object:
    found = document.get(table)
    return cast("dict[str, object]", found).get(name) if isinstance(found, dict) else None
