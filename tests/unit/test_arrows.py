"""Which room may import which: the map of the house, checked against every import statement in it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[2] / "scope"

# In the traced process / in the collector and in whoever looks.
CAPTURING = {"capture", "instrument", "integrations"}
LOOKING = {"collector", "store", "export", "views"}


class Import(NamedTuple):
    """One import within the package, by full module names."""

    importer: str
    imported: str

    @property
    def rooms(self) -> tuple[str, str]:
        return room(self.importer), room(self.imported)


def room(module: str) -> str:
    """The part below ``scope``: ``store`` for ``scope.store.query``, and the empty string for ``scope`` itself."""
    return module.partition(".")[2].partition(".")[0]


def modules() -> Iterator[tuple[str, Path]]:
    """Every Python file of the package, with its module name; integrations/ is reached through its link."""
    for folder, _, files in os.walk(PACKAGE, followlinks=True):
        for file in sorted(files):
            path = Path(folder, file)
            if path.suffix == ".py":
                parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported_by(module: str, path: Path) -> Iterator[str]:
    """Full names of what the file imports, wherever the statement stands."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (whole_name(base, alias.name) for alias in node.names)


def whole_name(base: str, name: str) -> str:
    """``base.name`` where that is a module of ours, else ``base``: the name is something defined in it."""
    path = PACKAGE.parent.joinpath(*base.split("."), name)
    is_module = path.with_suffix(".py").exists() or path.is_dir() or (base, name) == ("scope", "_core")
    return f"{base}.{name}" if base.startswith("scope") and is_module else base


IMPORTS = [Import(module, name) for module, path in modules() for name in imported_by(module, path)]
OURS = [each for each in IMPORTS if each.imported == "scope" or each.imported.startswith("scope.")]


def violations(importers: set[str], forbidden: set[str]) -> list[Import]:
    return [each for each in OURS if each.rooms[0] in importers and each.rooms[1] in forbidden - {each.rooms[0]}]


def test_imports_are_found() -> None:
    """The other tests would pass on an empty list."""
    assert Import("scope.model.trace", "scope.model.span") in OURS


def test_model_imports_nothing_of_ours() -> None:
    assert [each for each in OURS if each.rooms[0] == "model" != each.rooms[1]] == []


def test_wire_knows_only_the_model() -> None:
    assert [each for each in OURS if each.rooms[0] == "wire" and each.rooms[1] not in {"wire", "model", "errors"}] == []


def test_capture_does_not_know_who_reads() -> None:
    assert violations(CAPTURING, LOOKING) == []


def test_readers_do_not_know_capture() -> None:
    assert violations(LOOKING - {"views"}, CAPTURING) == []


def test_store_does_not_know_who_fills_or_reads_it() -> None:
    assert violations({"store"}, {"collector", "export", "views"}) == []


def test_only_the_command_line_draws() -> None:
    assert violations({"collector", "export"}, {"views"}) == []


def test_views_reach_the_store_through_its_front_door() -> None:
    """What ``scope.store`` promises, never a module behind it."""
    inside = [each for each in OURS if each.rooms == ("views", "store") and each.imported != "scope.store"]
    assert inside == []


def of_ours(module: str) -> bool:
    return module.partition(".")[0] in {"scope", "integrations"}


def test_inside_the_package_imports_are_relative() -> None:
    """But for ``sitecustomize``, which the interpreter imports under that name, as part of no package."""
    absolute = [
        f"{path.name}:{node.lineno}"
        for _, path in modules()
        if path.name != "sitecustomize.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and of_ours(node.module or ""))
        or (isinstance(node, ast.Import) and any(of_ours(alias.name) for alias in node.names))
    ]
    assert absolute == []


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """What ``import scope`` brings into a fresh interpreter."""
    code = (
        "import json, sys; before = set(sys.modules); import scope; print(json.dumps([*(set(sys.modules) - before)]))"
    )
    output = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True).stdout
    return set(json.loads(output))


def test_importing_scope_loads_only_what_a_traced_process_needs(loaded: set[str]) -> None:
    assert {module for module in loaded if room(module) in LOOKING} == set()


def test_importing_scope_loads_nothing_of_others(loaded: set[str]) -> None:
    assert {module for module in loaded if module.split(".")[0] not in sys.stdlib_module_names | {"scope"}} == set()
