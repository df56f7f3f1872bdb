"""The machine, the interpreter and the native core."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..format import format_bytes
from .check import Check

if TYPE_CHECKING:
    from ...config import Config

__all__ = ["check_core", "check_machine", "check_memory", "check_python", "segment_bytes"]

_PAGE = 4096
_LANE_CONTROL = 512


def check_machine() -> Check:
    uname = os.uname()
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    facts = {"system": uname.sysname, "release": uname.release, "machine": uname.machine, "cpus": cpus}
    summary = f"{uname.sysname} {uname.release} on {uname.machine}, {cpus} processors"
    if uname.sysname != "Linux":
        return Check("machine", "warning", summary, ("Linux is what Scope is made for and tested on",), facts)
    return Check("machine", "ok", summary, facts=facts)


def check_python() -> Check:
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    facts = {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "free_threaded": free_threaded,
        "executable": sys.executable,
    }
    summary = f"{facts['implementation']} {facts['version']}{' free-threaded' * free_threaded} at {sys.executable}"
    return Check("python", "ok", summary, facts=facts)


def check_core() -> Check:
    spec = find_spec("..._core", __package__)
    path = spec.origin if spec and spec.origin else "built in"
    return Check("core", "ok", f"loaded from {path}", facts={"path": path})


def check_memory(config: Config) -> Check:
    """Whether the segments of one more process fit where segments are kept."""
    folder = _existing(Path(config.segment.dir))
    status = os.statvfs(folder)
    free, needed = status.f_bavail * status.f_frsize, segment_bytes(config)
    facts = {"directory": config.segment.dir, "free_bytes": free, "segment_bytes": needed}
    summary = f"{format_bytes(free)} free at {folder}; a process takes at most {format_bytes(needed)}"
    if free < needed:
        advice = "free some, set segment.dir to another place, or lower segment.lanes or segment.lane_bytes"
        return Check("memory", "failure", summary, (advice,), facts)
    return Check("memory", "ok", summary, facts=facts)


def segment_bytes(config: Config) -> int:
    """Size of a segment as configured, all lanes in use."""
    segment = config.segment
    controls = -(-segment.lanes * _LANE_CONTROL // _PAGE) * _PAGE
    lanes = segment.first_lane_bytes + (segment.lanes - 1) * segment.lane_bytes
    return 2 * _PAGE + controls + segment.definitions_bytes + lanes


def _existing(path: Path) -> Path:
    return path if path.is_dir() else _existing(path.parent)
