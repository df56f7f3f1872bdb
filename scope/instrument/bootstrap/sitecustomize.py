"""Imported by every interpreter that ``scope run`` starts, before anything else: lets it trace itself.

The path to this directory hides a ``sitecustomize`` that the environment may have; it is run from here. Nothing may
fail here: what goes wrong is told on standard error and the program starts as it would have.
"""

# Every interpreter pays for what is imported here.
# ruff: noqa: INP001, PLC0415, PTH100, PTH120
import os
import sys


def _run_hidden() -> None:
    """Run the ``sitecustomize`` that ours stands in front of."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


def _instrument() -> None:
    from scope.instrument.servers import install

    install()


_run_hidden()
if os.environ.get("SCOPE_RUN") == "1":
    try:
        _instrument()
    except Exception as error:  # noqa: BLE001 - the program must start
        sys.stderr.write(f"scope: this program is not traced: {error!r}\n")
