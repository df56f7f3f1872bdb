from __future__ import annotations

import sys
from pathlib import Path

import pytest

from load_tests.functions.interpreters import (
    Interpreter,
    NoInterpreterError,
    answered,
    candidates,
    interpreters,
    newest,
)

HERE = Path(sys.executable)


def test_of_each_minor_version_the_newest_is_measured() -> None:
    found = [
        Interpreter(Path(f"/{micro}"), (3, minor, micro)) for minor, micro in [(13, 0), (11, 9), (11, 10), (11, 2)]
    ]
    assert [item.version for item in newest(found)] == [(3, 11, 10), (3, 13, 0)]


@pytest.mark.parametrize("output", ["", "pypy 3 11 0\n", "cpython 3 10 13\n", "cpython 2 7 18\n", "cpython 3\n"])
def test_others_than_supported_ones_are_passed_over(output: str) -> None:
    assert answered(HERE, output) is None


def test_an_interpreter_says_what_it_is() -> None:
    item = answered(HERE, "cpython 3 12 1\n")
    assert item is not None
    assert (str(item), item.minor) == ("CPython 3.12.1", "3.12")


def test_what_is_named_is_asked() -> None:
    assert [item.version for item in interpreters([sys.executable])] == [sys.version_info[:3]]


@pytest.mark.parametrize("name", ["/nowhere/python", "true"])
def test_what_is_no_interpreter_is_refused(name: str) -> None:
    with pytest.raises(NoInterpreterError, match=name):
        interpreters([name])


def test_interpreters_are_found_where_pyenv_lays_them_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoInterpreterError, match="name one"):
        interpreters([])
    laid_out = tmp_path / "versions" / "3.12.1" / "bin" / "python3"
    laid_out.parent.mkdir(parents=True)
    laid_out.symlink_to(HERE)
    assert candidates() == [laid_out]
    assert [item.path for item in interpreters([])] == [laid_out]
