"""The suites of suites.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests, and the modules whose functions are recorded while they run. suites.toml says what each field is."""

    name: str
    modules: tuple[str, ...]
    version: str = ""
    needs: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ("tests",)
    explained: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_interpreters(self) -> bool:
        return self.name.startswith("test_")

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads((HERE / "suites.toml").read_text(encoding="utf-8"))


def known() -> list[str]:
    """The names in suites.toml."""
    return [name for kind in _table().values() for name in kind]


def suite_of(name: str) -> Suite:
    """The suite of a package, or of a file of the interpreter's tests."""
    table = _table()
    kind, module = ("interpreter", f"test.{name}") if name.startswith("test_") else ("packages", name.replace("-", "_"))
    known = table.get(kind, {}).get(name, {})
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in known.items()}
    return Suite(name, **{"modules": (module,), **given})
