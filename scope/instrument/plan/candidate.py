"""A function that a Plan decides about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a function before it runs.

    ``decorators`` are the dotted names of its decorators, outermost first, without their arguments. ``is_owned`` says
    that the application's own code has it, ``is_minor`` that no default should take it: generated, or a few lines that
    call nothing.
    """

    module: str
    qualname: str
    decorators: tuple[str, ...] = ()
    is_owned: bool = False
    is_minor: bool = False

    @property
    def path(self) -> str:
        """The qualified name without the marks of functions within functions: ``outer.inner``."""
        return self.qualname.replace(".<locals>.", ".")
