"""Who watches the work: each tool as it is by default, started for as long as the process lives."""

from __future__ import annotations

import ctypes
import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING_LIBRARY = "NOTHING_LIBRARY"


def none() -> None:
    return


def viztracer() -> None:
    """A tracer whose buffer is full, as it is after the first seconds of a server: it goes on and overwrites it."""
    tracer = import_module("viztracer").VizTracer(verbose=0)
    tracer.start()
    for _ in range(tracer.tracer_entries):
        none()


def yappi(clock: str) -> None:
    profiler = import_module("yappi")
    profiler.set_clock_type(clock)
    profiler.start()


def nothing_in_c() -> None:
    """What ``PyEval_SetProfile`` costs by itself: with a C function that does nothing."""
    callback = ctypes.cast(ctypes.PyDLL(os.environ[NOTHING_LIBRARY]).nothing, ctypes.c_void_p)
    set_profile = ctypes.pythonapi.PyEval_SetProfile
    set_profile.argtypes = [ctypes.c_void_p, ctypes.py_object]
    set_profile(callback, None)


TOOLS: dict[str, Callable[[], None]] = {
    "none": none,
    "scope": none,  # it has come with the interpreter's start
    "viztracer": viztracer,
    "yappi-wall": lambda: yappi("wall"),
    "yappi-cpu": lambda: yappi("cpu"),
    "nothing": nothing_in_c,
}
