"""A function that a Plan decides about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a function before it runs.

    ``decorators`` are the dotted names of its decorators, outermost first, without their arguments. ``is_owned`` says
    that the application's own code has it, ``is_minor`` that no default should take it: generated, or a few lines that
    call nothing. ``complexity`` is McCabe's, at least 1; 0 where no rule asks for it.
    """

    module: str
    qualname: str
    decorators: tuple[str, ...] = ()
    is_owned: bool = False
    is_minor: bool = False
    complexity: int = 0

    @property
    def path(self) -> str:
        """The qualified name without the marks of functions within functions: ``outer.inner``."""
        return self.qualname.replace(".<locals>.", ".")
