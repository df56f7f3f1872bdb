"""The session directory: there, ours, and closed to others."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from .check import Check

if TYPE_CHECKING:
    from ...config import Config

__all__ = ["check_directory"]


def check_directory(config: Config) -> Check:
    path = config.dir
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        details = ("the first traced process or collector makes it",)
        return Check("directory", "ok", f"{path} is not there yet", details, {"path": path, "exists": False})
    except OSError as error:
        details = ("set SCOPE_DIR to a directory that you can read",)
        return Check("directory", "failure", f"{path}: {error.strerror}", details, {"path": path})
    problems = tuple(_problems(path, status))
    facts = {
        "path": path,
        "exists": True,
        "owner": status.st_uid,
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "problems": problems,
    }
    summary = f"{path}, mode {facts['mode']}, owner {_owner(status.st_uid)}"
    return Check("directory", "failure" if problems else "ok", summary, problems, facts)


def _problems(path: str, status: os.stat_result) -> list[str]:
    if not stat.S_ISDIR(status.st_mode):
        return ["it is no directory of its own: name another with SCOPE_DIR"]
    problems: list[str] = []
    if status.st_uid != os.geteuid():
        problems.append("it belongs to another user: name another with SCOPE_DIR")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        problems.append(f"others can enter it: run chmod 700 {path}")
    return problems


def _owner(uid: int) -> str:
    return "you" if uid == os.geteuid() else f"user {uid}"
