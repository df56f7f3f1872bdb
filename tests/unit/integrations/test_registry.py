"""Every integration keeps the same promises: undone without a trace, twice is once, what is missing is said."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from scope.errors import ScopeError
from scope.integrations import INTEGRATIONS, IntegrationError, install, registry
from scope.integrations.registry import Library

NAMES = sorted(INTEGRATIONS)


def libraries(name: str) -> list[str]:
    """The top modules that the integration may touch."""
    needed = [library for need in INTEGRATIONS[name].needs for library in libraries(need)]
    return [*needed, *(library.module for library in INTEGRATIONS[name].libraries)]


def members(name: str) -> dict[tuple[str, str, str], Any]:
    """Every attribute of every module and class of the libraries, as it is now."""
    found: dict[tuple[str, str, str], Any] = {}
    for module in modules(name):
        for key, value in list(vars(module).items()):
            found[module.__name__, "", key] = value
            if isinstance(value, type) and value.__module__ == module.__name__:
                found |= {(module.__name__, key, attribute): member for attribute, member in vars(value).items()}
    return {key: value for key, value in found.items() if key[2] not in {"__warningregistry__", "_abc_impl"}}


def modules(name: str) -> Iterator[ModuleType]:
    for top in libraries(name):
        importlib.import_module(top)
        yield from (module for key, module in list(sys.modules.items()) if key == top or key.startswith(f"{top}."))


@pytest.mark.parametrize("name", NAMES)
def test_undoing_leaves_the_library_as_it_was(name: str) -> None:
    with install([name]):
        pass  # so that the modules that the integration imports are there
    before = members(name)
    handle = install([name])
    assert {key for key, value in members(name).items() if before.get(key) is not value}
    handle.undo()
    after = members(name)
    assert before.keys() == after.keys()
    assert [key for key in before if before[key] is not after[key]] == []


@pytest.mark.parametrize("name", NAMES)
def test_installing_twice_changes_nothing_more(name: str) -> None:
    with install([name]):
        once = members(name)
        with install([name, name]):
            assert [key for key, value in members(name).items() if once[key] is not value] == []
        assert [key for key, value in members(name).items() if once[key] is not value] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_last_holder_restores(name: str) -> None:
    with install([name]):
        pass
    before = members(name)
    first, second = install([name]), install([name])
    first.undo()
    first.undo()
    assert any(before.get(key) is not value for key, value in members(name).items()), "the second still holds it"
    second.undo()
    assert all(before[key] is value for key, value in members(name).items())


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"threads", "loops"}))
def test_a_missing_library_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in INTEGRATIONS[name].libraries:
        monkeypatch.setitem(sys.modules, library.module, None)
    with pytest.raises(IntegrationError, match=f"integration '{name}' needs {name}.*, which is not installed"):
        install([name])


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"threads", "loops"}))
def test_a_library_that_is_too_old_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(INTEGRATIONS[name].libraries[0].module)
    monkeypatch.setattr(module, "__version__", "0.0.9")
    with pytest.raises(IntegrationError, match=rf"'{name}' needs {module.__name__} [\d.]+ or later, not 0\.0\.9"):
        install([name])
    assert registry.HOME not in vars(module)


@pytest.mark.parametrize("name", NAMES)
def test_a_library_that_has_changed_is_said_and_left_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with install([name]):
        pass
    part = importlib.import_module(f"scope.integrations.{name}")
    whole = part.install

    def lacking(patches: Any, library: ModuleType) -> None:
        whole(patches, library)
        patches.replace(library, "what_was_renamed", lambda original: original)

    before = members(name)
    monkeypatch.setattr(part, "install", lacking)
    with pytest.raises(IntegrationError, match=f"integration '{name}' does not know .*what_was_renamed"):
        install([name])
    assert all(before[key] is value for key, value in members(name).items())


def test_an_integration_that_does_not_exist_is_said_and_nothing_stays() -> None:
    before = members("threads")
    with pytest.raises(ScopeError, match="no integration 'flask'; there are threads, loops, starlette, fastapi, httpx"):
        install(["threads", "flask"])
    assert all(before[key] is value for key, value in members("threads").items())


def test_one_name_may_stand_alone() -> None:
    with install("threads") as handle:
        assert handle.names == ("threads",)


def test_auto_takes_what_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("fastapi", "httpx", "httpx2"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    importlib.import_module("starlette")
    with install() as handle:
        assert handle.names == ("threads", "loops", "starlette")


def test_auto_skips_what_it_does_not_know_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import httpx

    monkeypatch.setattr(httpx, "__version__", "0.1")
    monkeypatch.delitem(sys.modules, "httpx2", raising=False)
    with install("auto") as handle:
        assert "httpx" not in handle.names
        assert "threads" in handle.names
    assert "needs httpx 0.27 or later, not 0.1" in caplog.text


def test_what_an_integration_needs_is_installed_with_it() -> None:
    with install(["fastapi"]) as handle:
        assert handle.names == ("starlette", "fastapi")


def test_every_integration_is_a_module_here() -> None:
    for name, integration in INTEGRATIONS.items():
        assert name == integration.name
        assert callable(importlib.import_module(f"scope.integrations.{name}").install)
        assert all(isinstance(library, Library) for library in integration.libraries)
