"""Loading: defaults < pyproject.toml < environment < arguments, then one check of the whole."""

# Importing pathlib would cost a traced process more than the rest of its configuration.
# ruff: noqa: PTH100, PTH109, PTH112, PTH118, PTH119
from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from .errors import ConfigError
from .key import Derived
from .project import find_project
from .settings import KEYS, SECTIONS, Config
from .sources import Setting, from_arguments, from_environment, from_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .project import Project

__all__ = ["load"]

SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108 - directories in it are made by prepare_dir


def load(
    *,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
) -> Config:
    """The settings that hold in ``cwd`` (default: the working directory) with ``environ`` (default: ``os.environ``).

    ``overrides`` are arguments: by dotted name, with ``_`` for the dot, or as nested mappings. Nothing is written, no
    directory is made. Raises ConfigError for an unknown key or a bad value in any source, also in one that another
    overrides.
    """
    here = _working_directory(cwd)
    project = find_project(here)
    found = from_project(project)
    found |= from_environment(os.environ if environ is None else environ, here)
    found |= from_arguments(overrides or {}, here)
    settings = _complete(found, project)
    _check(settings)
    return _build(settings)


def _working_directory(cwd: str | os.PathLike[str] | None) -> str:
    try:
        return os.path.abspath(os.getcwd() if cwd is None else cwd)
    except OSError as error:
        message = f"there is no working directory ({error.strerror}): start from one"
        raise ConfigError(message, key="dir", source="default") from error


def _complete(found: Mapping[str, Setting], project: Project) -> dict[str, Setting]:
    """``found`` with a default for every other key."""
    settings = {name: Setting(key.default, "default") for name, key in KEYS.items()} | dict(found)
    derived: dict[str, Any] = {"service": _service(project), "collector.autostart": settings["profile"].value == "dev"}
    derived["probes.own"] = settings["profile"].value == "dev"
    derived["dir"] = os.path.join(project.root, ".scope")
    directory = settings["dir"].value if "dir" in found else derived["dir"]
    derived["segment.dir"] = _segment_dir(directory, explicit="dir" in found)
    missing = {name for name, setting in settings.items() if isinstance(setting.value, Derived)}
    return settings | {name: Setting(derived[name], "default") for name in missing}


def _service(project: Project) -> str:
    name = project.name.strip() or os.path.basename(project.root) or "app"
    return "".join(character if character.isprintable() else "?" for character in name[:128])


def _segment_dir(directory: str, *, explicit: bool) -> str:
    """In memory unless the run was given a directory of its own, or there is no such memory to write to."""
    usable = os.path.isdir(SHARED_MEMORY) and os.access(SHARED_MEMORY, os.W_OK | os.X_OK)
    if explicit or not usable:
        return os.path.join(directory, "segments")
    # One name for one directory, by whichever links it is reached, so that processes meet.
    import hashlib  # noqa: PLC0415 - not needed where the directory is explicit

    digest = hashlib.sha256(os.fsencode(os.path.realpath(directory))).hexdigest()[:16]
    return os.path.join(SHARED_MEMORY, f"scope-{os.geteuid()}-{digest}")


def _check(settings: Mapping[str, Setting]) -> None:
    """What no key says alone. Raises ConfigError."""
    for name in ("segment.first_lane_bytes", "segment.lane_bytes"):
        _at_least(settings, name, "segment.block_bytes", 2)
    _at_least(settings, "store.retention_age_s", "store.slice_s", 1)


def _at_least(settings: Mapping[str, Setting], name: str, other: str, times: int) -> None:
    low = settings[other].value * times
    if settings[name].value >= low:
        return
    kind = KEYS[name].kind
    value, bound = kind.show(settings[name].value), kind.show(low)
    allowed = f"at least {bound}, that is {times} x {other}" if times > 1 else f"at least {bound}, that is {other}"
    message = f"{name} = {value} ({settings[name].source}): expected {allowed} ({settings[other].source})"
    raise ConfigError(message, key=name, source=settings[name].source, allowed=allowed)


def _build(settings: Mapping[str, Setting]) -> Config:
    parts: dict[str, dict[str, Any]] = {section: {} for section in ("", *SECTIONS)}
    for name, setting in settings.items():
        section, _, field = name.rpartition(".")
        parts[section][field] = setting.value
    sections: dict[str, Any] = {section: make(**parts[section]) for section, make in SECTIONS.items()}
    sources = MappingProxyType({name: settings[name].source for name in KEYS})
    return Config(**parts[""], **sections, sources=sources)
