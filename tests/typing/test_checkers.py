"""What mypy and pyright, both as strict as they can be, make of a program that uses scope."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("program.py")

STRICT = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "extraPaths": [str(ROOT)],
    "reportUnnecessaryTypeIgnoreComment": "error",
    "enableTypeIgnoreComments": False,  # those are mypy's
    "reportMissingModuleSource": "none",  # the core is a stub beside a binary
}


def ran(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """The exit code of a checker, and what it said; the sources are found as an installed package would be."""
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return process.returncode, process.stdout + process.stderr


def mypy(program: Path) -> tuple[int, str]:
    """Scope's own sources are followed but not reported on: they are somebody else's to the program."""
    pytest.importorskip("mypy")
    options = ["--strict", "--config-file=", "--follow-imports=silent", f"--cache-dir={program.parent / '.cache'}"]
    return ran([sys.executable, "-m", "mypy", *options, program.name], program.parent)


def pyright(program: Path) -> tuple[int, str]:
    command = shutil.which("pyright", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("pyright is not installed")
    settings = {**STRICT, "include": [program.name], "venvPath": str(Path(sys.prefix).parent)}
    settings["venv"] = Path(sys.prefix).name
    (program.parent / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return ran([command, "--project", str(program.parent)], program.parent)


CHECKERS = pytest.mark.parametrize("check", [mypy, pyright])


@pytest.mark.slow
@CHECKERS
def test_a_program_that_uses_scope_is_understood(check: Callable[[Path], tuple[int, str]], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_bytes(PROGRAM.read_bytes())
    code, said = check(program)
    assert code == 0, said


@pytest.mark.slow
@CHECKERS
def test_misuse_and_wrong_types_are_seen(check: Callable[[Path], tuple[int, str]], tmp_path: Path) -> None:
    """The program above would be understood, too, if all of scope were Any."""
    program = tmp_path / "program.py"
    lines = [
        "from typing import assert_type",
        "import scope",
        "assert_type(scope.probe(len)([]), str)",
        "scope.span(3)",
        "scope.nothing()",
    ]
    program.write_text("\n".join(lines), encoding="utf-8")
    code, said = check(program)
    assert code == 1
    assert [number for number in (3, 4, 5) if f"program.py:{number}:" not in said] == [], said
