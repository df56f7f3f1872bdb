"""Imported by every interpreter that ``scope run`` starts, before anything else: lets it trace itself.

Only once a server or a framework is imported is anything of ours: tools that a traced program starts pay nothing. The
path to this directory hides a ``sitecustomize`` that the environment may have; it is run from here. Nothing may fail
here: what goes wrong is told on standard error and the program starts as it would have.
"""

# Every interpreter pays for what is imported here.
# ruff: noqa: INP001, PLC0415, PTH100, PTH120
import os
import sys

TYPE_CHECKING = False  # as type checkers know it, without importing typing
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

# Those that servers.py hooks into.
_MODULES = frozenset({"uvicorn.config", "starlette.applications"})


class _Watch:
    """A finder that finds nothing but the moment to install the hooks."""

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        del path, target
        if name not in _MODULES:
            return None
        sys.meta_path.remove(self)
        try:
            from scope.instrument.probing import probing
            from scope.instrument.servers import install

            install()
            probing.install()
        except Exception as error:  # noqa: BLE001 - the program must start
            sys.stderr.write(f"scope: this program is not traced: {error!r}\n")
            return None
        from importlib.util import find_spec

        return find_spec(name)  # by the hooks


def _run_hidden() -> None:
    """Run the ``sitecustomize`` that ours stands in front of."""
    from importlib.machinery import PathFinder

    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        spec.loader.exec_module(module_from_spec(spec))


_run_hidden()
if os.environ.get("SCOPE_RUN") == "1":
    sys.meta_path.insert(0, _Watch())
