"""What an interpreter does that ``scope run`` has started."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from scope.config import load
from scope.instrument.launch import BOOTSTRAP, environment
from scope.instrument.servers import HOOKS


def python(code: str, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a directory that has what the test has put there, traced."""
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), **variables}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment(base, load()), capture_output=True, text=True, check=False
    )


def output(code: str, tmp_path: Path, **variables: str) -> str:
    done = python(code, tmp_path, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_a_program_that_serves_nothing_loads_nothing_of_ours(tmp_path: Path) -> None:
    """Every tool that a traced program starts would pay for it."""
    loaded = "import sys; print([name for name in sys.modules if name.partition('.')[0] in ('scope', 'logging')])"
    assert output(loaded, tmp_path) == "[]"


def test_a_server_is_hooked_into_when_it_is_imported(tmp_path: Path) -> None:
    code = "import uvicorn; print(uvicorn.Config.load.__qualname__)"
    assert "load_traced" in output(code, tmp_path)


def test_so_is_a_framework_whichever_comes_first(tmp_path: Path) -> None:
    code = (
        "import starlette.applications, uvicorn;"
        "print(starlette.applications.Starlette.__call__.__qualname__, uvicorn.Config.load.__qualname__)"
    )
    found = output(code, tmp_path)
    assert "call_traced" in found
    assert "load_traced" in found


def test_the_bootstrap_watches_for_what_is_hooked_into() -> None:
    spec = importlib.util.spec_from_file_location("bootstrap", Path(BOOTSTRAP, "sitecustomize.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert HOOKS.keys() == module._MODULES


def test_a_sitecustomize_of_the_environment_is_run_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.hidden = 'was run'\n")
    assert output("import sys; print(sys.hidden)", tmp_path) == "was run"


def test_outside_a_run_nothing_is_hooked_into(tmp_path: Path) -> None:
    """What a traced program starts with the same path, but not as part of the run: its collector."""
    (tmp_path / "sitecustomize.py").write_text("import os; del os.environ['SCOPE_RUN']\n")
    code = "import uvicorn; print(uvicorn.Config.load.__qualname__)"
    assert output(code, tmp_path) == "Config.load"


def test_where_scope_is_missing_the_program_runs_and_says_so_once(tmp_path: Path) -> None:
    """As in an environment other than ours."""
    for name in ("uvicorn", "starlette"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "uvicorn" / "config.py").write_text("")
    (tmp_path / "starlette" / "applications.py").write_text("")
    code = (
        "import sys; sys.modules['scope'] = None;"
        "import uvicorn.config, starlette.applications; print(uvicorn.config.__name__)"
    )
    done = python(code, tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "uvicorn.config")
    assert done.stderr.count("scope: this program is not traced: ") == 1
    assert done.stderr.count("\n") == 1


def test_without_the_site_module_it_is_never_asked(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; print('sitecustomize' in sys.modules)"],
        env=environment({"PATH": os.environ["PATH"]}, load()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
