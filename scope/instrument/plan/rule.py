"""One rule of a Plan: a pattern of functions and the level that they get.

- ``shop.pricing.*``: a glob of the whole dotted name, module and function alike; ``*`` also matches dots.
- ``shop.models:Order.*``: a glob of the module, a glob of the name within it.
- ``@app.task``: a glob of the dotted name of a decorator.

``shop.pricing:price=locals@42+57`` wants the local variables at lines 42 and 57 of the file.

What follows ``if`` narrows it down: :mod:`.criteria`.

A pattern matches what it names and everything within: ``shop.pricing`` is the package, ``shop.models:Order`` the class.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .criteria import NO_CRITERIA, Criteria
from .errors import RuleError
from .level import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .candidate import Candidate

__all__ = ["Rule", "RuleError"]

_PATTERN: Final = re.compile(r"@[\w.*?]+|[\w.*?]+(?::[\w.*?]+)?")
_LINES: Final = re.compile(r"[1-9]\d{0,6}(?:\+[1-9]\d{0,6}){0,31}")
_WORDS: Final = {level.word: level for level in Level}


@dataclass(frozen=True, slots=True)
class Rule:
    """``text`` is the pattern as it was written. At ``lines`` local variables are wanted."""

    text: str
    level: Level
    criteria: Criteria = NO_CRITERIA
    lines: tuple[int, ...] = ()
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if "<lambda>" in self.text:
            raise RuleError(f"{self.text!r}: a lambda is not recorded by itself; name the function around it")
        if not _PATTERN.fullmatch(self.text):
            raise RuleError(
                f"{self.text!r} is no pattern of functions: write shop.pricing.*, shop.models:Order.* or @app.task"
            )
        within = "" if self.is_decorator else r"(?:\..*)?"
        object.__setattr__(self, "_regex", re.compile(_glob(self.text.removeprefix("@")) + within))

    @classmethod
    def parse(cls, text: str) -> Rule:
        """The rule ``PATTERN`` (timing) or ``PATTERN=LEVEL``, with or without ``if`` and criteria. Raises RuleError."""
        head, asks, criteria = text.strip().partition(" if ")
        pattern, equals, word = head.strip().partition("=")
        word, at, lines = word.partition("@")
        level = _WORDS.get(word) if equals else Level.TIMING
        if level is None:
            raise RuleError(f"{text!r}: there is no level {word!r}; there are {', '.join(_WORDS)}")
        if at and not (level >= Level.LOCALS and _LINES.fullmatch(lines)):
            raise RuleError(f"{text!r}: lines are those of locals: write shop.pricing:price=locals@42+57")
        chosen = tuple(int(line) for line in lines.split("+")) if at else ()
        return cls(pattern, level, Criteria.parse(criteria) if asks else NO_CRITERIA, chosen)

    def __str__(self) -> str:
        criteria = f" if {self.criteria}" if self.criteria != NO_CRITERIA else ""
        lines = f"@{'+'.join(map(str, self.lines))}" if self.lines else ""
        return f"{self.text}={self.level.word}{lines}{criteria}"

    @property
    def is_decorator(self) -> bool:
        """Whether the pattern is one of decorators."""
        return self.text.startswith("@")

    def matches(self, candidate: Candidate) -> bool:
        """Whether the rule is about this function."""
        if candidate.complexity < self.criteria.complexity:
            return False
        return any(self._regex.fullmatch(name) for name in self._names(candidate))

    def _names(self, candidate: Candidate) -> Iterator[str]:
        if self.is_decorator:
            yield from candidate.decorators
        elif ":" in self.text:
            yield f"{candidate.module}:{candidate.path}"
        else:
            yield f"{candidate.module}.{candidate.path}"

    def may_match_in(self, module: str) -> bool:
        """Whether some function of ``module`` may match, told without a look at its functions."""
        if self.is_decorator:
            return True
        pattern, colon, _ = self.text.partition(":")
        if colon:
            return re.fullmatch(_glob(pattern), module) is not None
        fixed = re.split(r"[*?]", pattern, maxsplit=1)[0]
        if fixed == pattern:  # without a wildcard: the module or what is above it, or something in the module
            return f"{module}.".startswith(f"{pattern}.") or pattern.startswith(f"{module}.")
        return module.startswith(fixed) or f"{fixed}.".startswith(f"{module}.")


def _glob(pattern: str) -> str:
    """A regular expression of ``pattern``, where ``*`` is any text and ``?`` any character."""
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
