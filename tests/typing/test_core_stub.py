"""The stub of the native core declares what there is at run time, and how it is called."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import BuiltinFunctionType, GetSetDescriptorType, MemberDescriptorType, MethodDescriptorType
from typing import TYPE_CHECKING, Any

import pytest

import scope
from scope import _core

if TYPE_CHECKING:
    from collections.abc import Iterator

STUB = Path(scope.__file__).with_name("_core.pyi")
BODY = ast.parse(STUB.read_text(encoding="utf-8")).body
FUNCTIONS = {each.name: each for each in BODY if isinstance(each, ast.FunctionDef)}
CLASSES = {each.name: each for each in BODY if isinstance(each, ast.ClassDef)}

IS_BASE = 1 << 10
"""CPython's flag of a class that may be derived from."""


def declared(body: list[ast.stmt]) -> Iterator[str]:
    """Names that statements declare, private ones and imports left out."""
    for each in body:
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            name = each.name
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            name = each.target.id
        else:
            continue
        if not name.startswith("_"):
            yield name


def methods(of: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {each.name: each for each in of.body if isinstance(each, ast.FunctionDef)}


def is_property(method: ast.FunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "property" for each in method.decorator_list)


def takes_keywords(function: ast.FunctionDef) -> bool:
    return bool(function.args.kwarg or function.args.kwonlyargs or function.args.args)


def test_names_are_those_of_the_module() -> None:
    assert sorted(declared(BODY)) == [name for name in sorted(dir(_core)) if not name.startswith("_")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_functions(name: str) -> None:
    assert isinstance(getattr(_core, name), BuiltinFunctionType)


@pytest.mark.parametrize("name", CLASSES)
def test_members_are_those_of_the_class(name: str) -> None:
    members = [member for member in vars(getattr(_core, name)) if not member.startswith("_")]
    assert sorted(set(declared(CLASSES[name].body))) == sorted(members)


@pytest.mark.parametrize("name", CLASSES)
def test_members_are_of_the_kind_declared(name: str) -> None:
    runtime = vars(getattr(_core, name))
    for member, method in methods(CLASSES[name]).items():
        if member.startswith("__"):
            assert member in runtime
        else:
            kinds = (GetSetDescriptorType, MemberDescriptorType) if is_property(method) else MethodDescriptorType
            assert isinstance(runtime[member], kinds), member


@pytest.mark.parametrize("name", CLASSES)
def test_final_classes_cannot_be_derived_from(name: str) -> None:
    decorators = [each.id for each in CLASSES[name].decorator_list if isinstance(each, ast.Name)]
    assert ("final" in decorators) is not bool(getattr(_core, name).__flags__ & IS_BASE)


POSITIONAL = [name for name, function in FUNCTIONS.items() if not takes_keywords(function)]


@pytest.mark.parametrize("name", POSITIONAL)
def test_functions_that_are_called_by_position_take_no_keyword(name: str) -> None:
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        getattr(_core, name)(no_such=1)


@pytest.mark.parametrize("name", POSITIONAL)
def test_functions_take_as_many_arguments_as_declared(name: str) -> None:
    """Such a call fails before anything is done."""
    count = len(FUNCTIONS[name].args.posonlyargs)
    for wrong in {count + 1, max(count - 1, 0)} - {count}:
        with pytest.raises(TypeError):
            getattr(_core, name)(*[None] * wrong)


def test_functions_that_take_attributes_take_any_keyword() -> None:
    assert {*FUNCTIONS} - {*POSITIONAL} == {"annotate", "mark", "span"}
    for name in ("annotate", "mark", "span"):
        arguments = ["name"][: len(FUNCTIONS[name].args.posonlyargs)]
        getattr(_core, name)(*arguments, name=1, self=2)


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """One of each class, in a session that is nobody's before and afterwards."""
    session = _core.Session(str(tmp_path / "one.seg"))
    _core.set_session(session)
    try:
        request = _core.begin_request({"type": "http", "path": "/", "headers": []}, b"x-request-id", True)
        yield {
            "Session": session,
            "Request": request,
            "Span": _core.Span("one"),
            "Probe": _core.Probe(len, 0),
            "Tracer": _core.Tracer(b"x-request-id", True),
            "Handler": _core.Handler(len, "len", 0),  # type: ignore[arg-type]
            "RouteHook": _core.RouteHook(len, "learned", len, print),  # type: ignore[arg-type]
            "StackHook": _core.StackHook(len, "learned", len),  # type: ignore[arg-type]
            "CapturePoint": _core.RESULT,
            "CodeProbe": _core.CodeProbe("one", 0, False, 1),
            "YieldPoint": _core.SUSPEND,
            "Segment": _core.Segment(session.path),
            "Correlator": _core.Correlator(),
        }
    finally:
        _core.set_session(None)
        session.close()


def test_methods_that_are_called_by_position_take_no_keyword(instances: dict[str, Any]) -> None:
    assert instances.keys() == CLASSES.keys()
    accepted: list[str] = []
    for name, instance in instances.items():
        for member, method in methods(CLASSES[name]).items():
            called_by_name = method.args.kwarg or method.args.kwonlyargs or member.startswith("__")
            if not (called_by_name or is_property(method)):
                accepted += [f"{name}.{member}"] if accepts_keyword(instance, member) else []
    assert accepted == []


def accepts_keyword(instance: object, member: str) -> bool:
    try:
        getattr(instance, member)(no_such=1)
    except TypeError as error:
        return not re.search("takes no keyword arguments", str(error))
    return True


def test_properties_give_what_is_declared(instances: dict[str, Any]) -> None:
    """Whether a property may be None, and of which type it is otherwise; containers by their outer type."""
    wrong = [
        f"{name}.{member}"
        for name, instance in instances.items()
        for member, method in methods(CLASSES[name]).items()
        if is_property(method) and method.returns is not None
        if not is_of(getattr(instance, member), ast.unparse(method.returns))
    ]
    assert wrong == []


def is_of(value: object, annotation: str) -> bool:
    names = [part.strip().partition("[")[0] for part in re.sub(r"\[.*\]", "", annotation).split("|")]
    return ("None" if value is None else type(value).__name__) in names
