"""A virtual environment with the project as users install it, and with the tools that it is compared with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .interpreters import Interpreter

TOOLS = ("viztracer", "yappi")
SERVED = ("fastapi", "uvicorn")
BUILD = ROOT / "build" / "functions"
NOTHING = Path(__file__).parent / "child" / "nothing.c"
DESCRIBE = """
import importlib.metadata, json, sys, sysconfig
from scope.instrument.launch import BOOTSTRAP
versions = {name: importlib.metadata.version(name) for name in sys.argv[1:]}
print(json.dumps({"bootstrap": BOOTSTRAP, "versions": versions}))
"""


@dataclass(frozen=True, slots=True)
class Environment:
    """``bootstrap`` is what makes a Python trace itself, ``nothing`` a library for ``PyEval_SetProfile``."""

    interpreter: Interpreter
    python: Path
    bootstrap: str
    versions: Mapping[str, str]
    nothing: Path

    @property
    def title(self) -> str:
        return ", ".join((str(self.interpreter), *(f"{name} {version}" for name, version in self.versions.items())))


def prepare(interpreter: Interpreter) -> Environment:
    """Make the environment below ``build/``, or bring it up to date with the checkout."""
    directory = BUILD / interpreter.minor
    python = directory / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter.path, "-m", "venv", directory / "venv"], check=True)
    pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, *TOOLS, *SERVED], check=True, stdout=sys.stderr)
    subprocess.run(
        [*pip, f"--config-settings=build-dir={directory / 'extension'}", str(ROOT)], check=True, stdout=sys.stderr
    )
    _add_checkout(python)
    described = json.loads(_output(python, DESCRIBE, *TOOLS))
    return Environment(interpreter, python, described["bootstrap"], described["versions"], _nothing(directory))


def _add_checkout(python: Path) -> None:
    """Let it find this package, after everything that is installed: the project is the installed one."""
    packages = _output(python, "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(packages, "checkout.pth").write_text(f"{ROOT}\n")


def _output(python: Path, program: str, *arguments: str) -> str:
    """What the program prints, run by an environment's interpreter away from the checkout."""
    command = [str(python), "-I", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=python.parent).stdout


def _nothing(directory: Path) -> Path:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or "clang"
    library = directory / "nothing.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", NOTHING, "-o", library], check=True)
    return library
