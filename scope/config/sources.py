"""Settings as their sources give them, each read and checked against the table of keys."""

# Importing pathlib would cost a traced process more than the rest of its configuration.
# ruff: noqa: PTH100, PTH118
from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from .errors import ConfigError
from .key import PREFIX, Key
from .kinds import Names, NamesOrAuto, Where
from .settings import KEYS, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .project import Project

__all__ = ["INTERNAL_VARIABLES", "Setting", "from_arguments", "from_environment", "from_project"]

INTERNAL_VARIABLES: Final = frozenset(
    {
        "SCOPE_RUN",  # set by `scope run` for its child: trace without a change of code
    }
)
"""Variables that our processes hand to each other; they are no settings."""

# What Kubernetes sets in every container for a service that is called "scope" or "scope-...".
_SERVICE_LINK: Final = re.compile(
    r"SCOPE_(?:\w+_)?(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)

_VARIABLES: Final = {key.variable: key for key in KEYS.values()}


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of a key, and the source that gave it."""

    value: Any
    source: str


def from_project(project: Project) -> dict[str, Setting]:
    """What ``[tool.scope]`` says; a relative path is relative to the file."""
    source = project.file or ""
    found = {name: (_known(name, value, source), value) for name, value in _flat(project.table)}
    return {name: Setting(_read(key, value, source, project.root), source) for name, (key, value) in found.items()}


def from_environment(environ: Mapping[str, str], cwd: str) -> dict[str, Setting]:
    """What variables ``SCOPE_...`` say; an empty one says nothing, except of a list."""
    found: dict[str, Setting] = {}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        key, text = _VARIABLES.get(variable), environ[variable]
        if key is None:
            _foreign_or_unknown(variable)
        elif text.strip() or isinstance(key.kind, Names | NamesOrAuto):
            found[key.name] = Setting(_read(key, text, variable, cwd), variable)
    return found


def from_arguments(overrides: Mapping[str, object], cwd: str) -> dict[str, Setting]:
    """What the caller says, by ``segment.lanes``, ``segment_lanes`` or nested mappings; None says nothing."""
    found: dict[str, Setting] = {}
    for name, value in _flat(overrides):
        key = _VARIABLES.get(PREFIX + name.upper()) if name == name.lower() else None
        key = key or _known(name, value, "argument")
        if value is not None:
            found[key.name] = Setting(_read(key, value, "argument", cwd), "argument")
    return found


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings by their dotted names; what is no section and holds nothing is a leaf, too."""
    for name, value in table.items():
        whole = f"{prefix}{name}"
        if isinstance(value, Mapping) and whole not in KEYS and (value or whole in SECTIONS):
            yield from _flat(cast("Mapping[str, Any]", value), f"{whole}.")
        else:
            yield whole, value


def _read(key: Key, raw: object, source: str, base: str) -> object:
    try:
        value = key.kind.parse(raw)
    except ValueError:
        allowed = key.kind.allowed
        suggestion = _close(_shown(raw), getattr(key.kind, "words", ()))
        message = f"{key.name} = {_shown(raw)} ({source}): expected {allowed}{_hint(suggestion)}"
        raise ConfigError(message, key=key.name, source=source, allowed=allowed, suggestion=suggestion) from None
    return os.path.abspath(os.path.join(base, value)) if isinstance(key.kind, Where) else value


def _known(name: str, value: object, source: str) -> Key:
    if name in KEYS:
        return KEYS[name]
    section = name.partition(".")[0]
    near = [key for key in KEYS if key.startswith(f"{section}.")] if section in SECTIONS else [*KEYS]
    suggestion = _close(name, KEYS)
    message = f"unknown key {name} = {_shown(value)} ({source}){_hint(suggestion)}; there are {', '.join(near)}"
    raise ConfigError(message, key=name, source=source, suggestion=suggestion)


def _foreign_or_unknown(variable: str) -> None:
    if variable in INTERNAL_VARIABLES or _SERVICE_LINK.fullmatch(variable):
        return
    suggestion = _close(variable, _VARIABLES)
    # Its value is not shown: it may be a secret of another program.
    message = f"unknown variable {variable} (environment){_hint(suggestion)}; there are {', '.join(_VARIABLES)}"
    raise ConfigError(message, key=variable, source=variable, suggestion=suggestion)


def _close(given: str, known: Iterable[str]) -> str | None:
    # Only an error pays for the import.
    import difflib  # noqa: PLC0415

    return next(iter(difflib.get_close_matches(given[:100], list(known), n=1)), None)


def _hint(suggestion: str | None) -> str:
    return f"; did you mean {suggestion}?" if suggestion else ""


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - whatever an argument's own repr raises, the error to tell is another
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 100 else f"{text[:97]}..."
