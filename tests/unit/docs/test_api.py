"""The page on Python gives the names and signatures that there are."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scope
import scope.integrations
import scope.testing
from scope import _core
from scope.capture.changes import Watch
from tests.unit.docs.pages import page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PAGE = page("reference/api.md")
STUB = Path(scope.__file__).with_name("_core.pyi")

# What the front door's functions return, and what the modules besides it offer.
FURTHER: Mapping[str, Any] = {
    "Span": _core.Span,
    "Request": _core.Request,
    "Watch": Watch,
    "captured": scope.testing.captured,
    "Capture": scope.testing.Capture,
    "install": scope.integrations.install,
    "Handle": scope.integrations.Handle,
}


def documented() -> Iterator[ast.stmt]:
    """The definitions that the page gives, in its order: the first block of each section."""
    for block in PAGE.blocks("python"):
        above = PAGE.text.splitlines()[block.number - 3]
        if above.startswith("## "):
            yield from ast.parse(block.text).body


def name_of(definition: ast.stmt) -> str:
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return definition.name


def declared(name: str) -> list[ast.stmt]:
    """The definitions of a name in the source or the stub: the overloads, where there are any."""
    target = FURTHER.get(name) or getattr(scope, name)
    native = getattr(target, "__module__", None) in {None, "scope", "scope._core"}
    source = STUB if native else Path(inspect.getsourcefile(inspect.unwrap(target)) or "")
    body = ast.parse(source.read_text(encoding="utf-8")).body
    found = [each for each in body if getattr(each, "name", "") == name]
    return [each for each in found if _is_overload(each)] or found


def _is_overload(definition: ast.stmt) -> bool:
    decorators = getattr(definition, "decorator_list", [])
    return any(isinstance(each, ast.Name) and each.id == "overload" for each in decorators)


def signature(definition: ast.stmt) -> str:
    """How it is called and, but for context managers made of generators, decorated."""
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
    kept = {"property", "overload"}
    decorators = [each.id for each in definition.decorator_list if isinstance(each, ast.Name) and each.id in kept]
    returns = ast.unparse(definition.returns) if definition.returns else ""
    kind = "async def" if isinstance(definition, ast.AsyncFunctionDef) else "def"
    return f"{' '.join(decorators)} {kind} {definition.name}({ast.unparse(definition.args)}) -> {returns}".strip()


def methods(definition: ast.ClassDef) -> list[str]:
    return [signature(each) for each in definition.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_every_promised_name_is_described() -> None:
    described = list(dict.fromkeys(map(name_of, documented())))
    assert set(described) == {*scope.__all__, *FURTHER}


@pytest.mark.parametrize("name", sorted({*scope.__all__, *FURTHER}))
def test_signatures_are_those_of_the_code(name: str) -> None:
    shown = [each for each in documented() if name_of(each) == name]
    real = declared(name)
    assert len(shown) == len(real) > 0
    for page_says, code_says in zip(shown, real, strict=True):
        if isinstance(page_says, ast.ClassDef):
            assert isinstance(code_says, ast.ClassDef)
            assert [each for each in methods(page_says) if each not in methods(code_says)] == []
        else:
            assert signature(page_says) == signature(code_says)


def test_headings_are_the_names_and_the_modules_that_hold_them() -> None:
    headings = [line.removeprefix("## ") for line in PAGE.text.splitlines() if line.startswith("## ")]
    modules = {"scope.testing": "captured", "scope.integrations": "install"}
    assert [modules.get(heading, heading) for heading in headings] == list(dict.fromkeys(map(name_of, documented())))


def test_all_is_what_the_front_door_imports() -> None:
    tree = ast.parse(Path(scope.__file__).read_text(encoding="utf-8"))
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(scope.__all__) == imported
    assert list(scope.__all__) == sorted(scope.__all__)


def test_the_stub_declares_the_native_names_of_the_front_door() -> None:
    body = ast.parse(STUB.read_text(encoding="utf-8")).body
    in_stub = {getattr(each, "name", "") for each in body}
    native = {name for name in scope.__all__ if getattr(scope, name) is getattr(_core, name, None)}
    assert native == {"annotate", "current_request", "mark", "span"}
    assert native <= in_stub
