"""Modules that a Plan is about are imported recorded; all else about importing is as ever."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import logging
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from scope.instrument.plan import Plan, Rule
from scope.instrument.transform import finder as finder_module
from scope.instrument.transform.cache import CodeCache
from scope.instrument.transform.finder import ProbedLoader, ProbingFinder
from tests.unit.core.inside import inside, outline

from .twins import compiles, nested

pytestmark = [pytest.mark.usefixtures("no_integrations"), pytest.mark.transformed]

Import = Callable[..., ModuleType]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that nobody has imported."""
    folder = tmp_path / "planned_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "part.py").write_text("def work(x):\n    return [x]\ndef raises():\n    return 1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    finders = sys.meta_path[:]
    yield folder
    sys.meta_path[:] = finders
    for name in [name for name in sys.modules if name.startswith("planned_package")]:
        del sys.modules[name]


@pytest.fixture
def cache(tmp_path: Path) -> CodeCache:
    return CodeCache(str(tmp_path / "code"), "digest")


def imported(rule: str, cache: CodeCache | None = None, name: str = "planned_package.part") -> ModuleType:
    """The module as another process would get it, by this Plan."""
    for known in [known for known in sys.modules if known.startswith("planned_package")]:
        del sys.modules[known]
    importlib.invalidate_caches()
    finder = ProbingFinder(Plan((Rule.parse(rule),)), cache)
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(name)
    finally:
        sys.meta_path.remove(finder)


def test_functions_of_planned_modules_are_recorded(package: Path) -> None:
    module = imported("planned_package")
    assert outline(inside(lambda: module.work(1))) == ["work"]


def test_modules_and_functions_beside_the_plan_are_as_they_were(package: Path) -> None:
    assert type(imported("planned_package.other").__loader__) is SourceFileLoader
    module = imported("planned_package.part:raises")
    assert type(module.__loader__) is ProbedLoader
    assert outline(inside(lambda: module.work(1))) == []


def test_a_recorded_module_knows_its_file_its_source_and_its_place_in_pycache(package: Path) -> None:
    module = imported("planned_package")
    assert module.__file__ == str(package / "part.py")
    assert inspect.getsource(module.work) == "def work(x):\n    return [x]\n"
    assert module.__spec__ is not None
    assert module.__spec__.cached == importlib.util.cache_from_source(str(package / "part.py"))
    assert isinstance(module.__loader__, SourceFileLoader)


def test_pycache_never_has_our_code(package: Path, cache: CodeCache) -> None:
    imported("planned_package", cache)
    assert not list(package.glob("__pycache__/part.*"))
    plain = imported("nothing", cache)
    assert list(package.glob("__pycache__/part.*"))
    assert outline(inside(lambda: plain.work(1))) == []
    assert len([*Path(cache.folder).iterdir()]) == 2


def test_what_is_cached_is_not_compiled_again_until_the_source_changes(
    package: Path, cache: CodeCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported("planned_package", cache)
    with monkeypatch.context() as patch:
        patch.setattr("scope.instrument.transform.compiling.compile_source", None)
        assert outline(inside(lambda: imported("planned_package", cache).work(1))) == ["work"]
    (package / "part.py").write_text("def other(x):\n    return [x] * 2\n")
    assert imported("planned_package", cache).other(1) == [1, 1]


def test_a_module_without_a_planned_function_is_cached_as_such(
    package: Path, cache: CodeCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported("planned_package.part:nothing", cache)
    monkeypatch.setattr("scope.instrument.transform.compiling.compile_source", None)
    assert type(imported("planned_package.part:nothing", cache).__loader__) is SourceFileLoader


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_a_damaged_cache_is_compiled_anew(package: Path, cache: CodeCache, content: bytes | None) -> None:
    imported("planned_package", cache)
    for path in Path(cache.folder).iterdir():
        path.write_bytes(path.read_bytes()[:-9] if content is None else content)
    assert outline(inside(lambda: imported("planned_package", cache).work(1))) == ["work"]


def test_a_cache_that_cannot_be_written_is_none(package: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = CodeCache(str(tmp_path / "file"), "digest")
    assert outline(inside(lambda: imported("planned_package", cache).work(1))) == ["work"]


def test_nothing_is_written_where_python_is_told_to_write_no_code(
    package: Path, cache: CodeCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    imported("planned_package", cache)
    assert not Path(cache.folder).exists()


def test_each_plan_and_each_level_of_optimization_has_a_folder_of_its_own() -> None:
    code = "from scope.instrument.transform.cache import CodeCache as C; print(C('r', 'a').folder, C('r', 'b').folder)"
    folders = [
        subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for flags in ([], ["-O"], ["-OO"])
    ]
    assert len({folder for each in folders for folder in each}) == 6


BROKEN = {
    "syntax": "def work(:\n",
    "late": "def work():\n    pass\nreturn 1\n",
    "null": "x = '\0'\n",
    "encoding": "# coding: nothing\ndef work(): pass\n",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_compiled_fails_as_it_does_without_us(package: Path, source: str) -> None:
    (package / "part.py").write_text(source)
    shown = []
    for rule in ("nothing", "planned_package"):
        try:
            imported(rule)
        except SyntaxError as error:
            shown.append(traceback.format_exception(error))
    assert len(shown) == 2
    assert shown[0] == shown[1]


def test_an_import_that_raises_shows_no_frame_of_ours(package: Path) -> None:
    (package / "part.py").write_text("def work():\n    return 1 / 0\nwork()\n")
    with pytest.raises(ZeroDivisionError) as info:
        imported("planned_package")
    files = [entry.filename for entry in traceback.extract_tb(info.value.__traceback__)]
    assert [file for file in files if "/scope/instrument/" in file] == []


def test_a_module_that_cannot_have_blocks_is_imported_as_it_is_and_the_log_says_so(
    package: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deepest = max((nested(depth) for depth in range(15, 30) if compiles(nested(depth))), key=len)
    (package / "part.py").write_text(deepest)
    with caplog.at_level(logging.WARNING, "scope"):
        module = imported("planned_package")
    assert type(module.__loader__) is SourceFileLoader
    assert "cannot have its functions recorded: too many statically nested blocks" in caplog.text


def test_a_fault_of_ours_leaves_the_module_as_it_is(
    package: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(finder_module, "bind", None)
    assert imported("planned_package").work(1) == [1]
    assert "it could not be prepared" in caplog.text


def test_other_loaders_keep_their_modules(package: Path) -> None:
    class Own(SourceFileLoader):
        pass

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> object:
            file = package / "part.py"
            return (
                importlib.util.spec_from_file_location(name, file, loader=Own(name, str(file)))
                if "part" in name
                else None
            )

    imported("nothing", name="planned_package")
    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
    assert type(imported("planned_package").__loader__) is Own


def test_what_nobody_finds_is_not_found(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"planned_package\.missing"):
        imported("planned_package", name="planned_package.missing")
