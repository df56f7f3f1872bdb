"""A function that is called when a module has been imported, whoever imports it."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING

import pytest

from scope.instrument.imports import when_imported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that nobody has imported; finders and modules are as they were afterwards."""
    folder = tmp_path / "hooked_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "part.py").write_text("done = 'body'\n")
    (folder / "data.txt").write_text("data")
    monkeypatch.syspath_prepend(tmp_path)
    finders = sys.meta_path[:]
    yield folder
    sys.meta_path[:] = finders
    for name in [name for name in sys.modules if name.startswith("hooked_package")]:
        del sys.modules[name]


def noted(name: str) -> list[str]:
    """What the module had done each time the hook was called."""
    calls: list[str] = []

    def hook(module: ModuleType) -> None:
        calls.append(module.done)
        vars(module)["done"] = "hooked"

    when_imported(name, hook)
    return calls


def test_the_hook_is_called_once_the_body_has_run() -> None:
    calls = noted("hooked_package.part")
    assert calls == []
    assert importlib.import_module("hooked_package.part").done == "hooked"
    importlib.import_module("hooked_package.part")
    assert calls == ["body"]


def test_it_is_called_at_once_where_the_module_is_there() -> None:
    importlib.import_module("hooked_package.part")
    assert noted("hooked_package.part") == ["body"]


def test_nothing_is_left_of_the_way_the_module_was_found() -> None:
    """Its loader is the usual one, for whoever reads data or sources by it."""
    finders = sys.meta_path[:]
    noted("hooked_package.part")
    module = importlib.import_module("hooked_package.part")
    plain = importlib.import_module("hooked_package")
    assert module.__spec__ is not None
    assert plain.__spec__ is not None
    assert type(module.__loader__) is type(plain.__loader__)
    assert type(module.__spec__.loader) is type(plain.__spec__.loader)
    assert pkgutil.get_data("hooked_package.part", "data.txt") == b"data"
    assert sys.meta_path == finders


def test_other_modules_are_imported_as_ever() -> None:
    calls = noted("hooked_package.part")
    importlib.import_module("hooked_package")
    assert calls == []


def test_a_package_can_be_waited_for(package: Path) -> None:
    (package / "__init__.py").write_text("done = 'package'\n")
    calls = noted("hooked_package")
    importlib.import_module("hooked_package.part")
    assert calls == ["package"]


def test_a_module_that_is_not_there_may_come_later(package: Path) -> None:
    calls = noted("hooked_package.later")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("hooked_package.later")
    (package / "later.py").write_text("done = 'late'\n")
    importlib.invalidate_caches()
    importlib.import_module("hooked_package.later")
    assert calls == ["late"]


def test_a_body_that_fails_fails_as_ever(package: Path) -> None:
    (package / "part.py").write_text("1 / 0\n")
    calls = noted("hooked_package.part")
    with pytest.raises(ZeroDivisionError):
        importlib.import_module("hooked_package.part")
    assert calls == []
    assert "hooked_package.part" not in sys.modules


def test_two_hooks_may_wait_for_the_same_module() -> None:
    first, second = noted("hooked_package.part"), noted("hooked_package.part")
    importlib.import_module("hooked_package.part")
    assert sorted(first + second) == ["body", "hooked"]
