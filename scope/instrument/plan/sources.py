"""Where a Plan comes from: the settings of a process, and files of rules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import RuleError
from .level import Level
from .ownership import Ownership, search_folders
from .plan import Plan
from .rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...config import Config


def make_plan(config: Config, *, folders: Iterable[str] = (), packages: Iterable[str] = ()) -> Plan:
    """The Plan that ``config`` asks for, of a process whose application is in ``folders`` or is one of ``packages``.

    Raises RuleError.
    """
    found = dict.fromkeys(os.path.join(os.path.abspath(folder), "") for folder in (*folders, *search_folders()))
    return Plan(
        rules=tuple(map(Rule.parse, config.probes.rules)),
        ownership=Ownership(tuple(found), frozenset(packages)),
        own_level=Level.TIMING if config.probes.own else Level.OFF,
    )


def read_rules(path: str) -> tuple[Rule, ...]:
    """The rules of a file: one a line, in order; what follows a ``#`` is said to people.

    Raises RuleError, which names the line, and OSError.
    """
    with open(path, encoding="utf-8") as lines:
        stripped = [line.partition("#")[0].strip() for line in lines]
    return tuple(_read(text, path, number) for number, text in enumerate(stripped, 1) if text)


def _read(text: str, path: str, line: int) -> Rule:
    try:
        return Rule.parse(text)
    except RuleError as error:
        raise RuleError(f"{path}, line {line}: {error}") from None
