"""Code bases of a few lines, written out and analysed."""

from __future__ import annotations

import ast
from textwrap import dedent
from typing import TYPE_CHECKING

from scope.instrument.analyse import Analysis, Function, analyse

if TYPE_CHECKING:
    from pathlib import Path


def write(directory: Path, **files: str) -> Path:
    """Modules by their dotted names with two underscores for dots: ``shop__prices`` is ``shop/prices.py``."""
    for name, source in files.items():
        file = directory.joinpath(*name.split("__")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        for package in file.relative_to(directory).parents:
            if package.name:
                (directory / package / "__init__.py").touch()
        file.write_text(dedent(source), encoding="utf-8")
    return directory


def analysed(directory: Path, **files: str) -> Analysis:
    return analyse(write(directory, **files))


def routes(analysis: Analysis) -> list[str]:
    return [f"{route.label} {route.handler}" for route in analysis.routes]


def found(analysis: Analysis) -> list[tuple[str, int, str]]:
    """Rule, line and severity of every finding, in the order of lines."""
    return sorted((each.rule, each.line, each.severity.name) for each in analysis.findings)


def function_named(module: str, qualname: str, line: int = 1) -> Function:
    """A function of which nothing is known but its name and place."""
    node = ast.parse("def f(): pass").body[0]
    assert isinstance(node, ast.FunctionDef)
    file = f"{module.replace('.', '/')}.py"
    return Function(
        name=f"{module}.{qualname}",
        module=module,
        file=file,
        line=line,
        end_line=line,
        is_async=False,
        is_generator=False,
        complexity=1,
        owner="",
        node=node,
        nodes=(),
    )
