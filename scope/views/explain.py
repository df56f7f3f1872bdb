"""Findings explained by a program of the user's: a language model behind a command line, for one.

For each finding it is started once, gets an object of JSON on its standard input and prints the explanation. What has
the name or the shape of a secret is hidden in the source that it gets.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .._core import redact
from ..errors import ScopeError
from .findings import finding_object
from .jsonout import dumps

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import AnalyseConfig
    from ..instrument.analyse import Finding
    from .jsonout import JsonObject

__all__ = ["ExplainError", "Explainer"]

_LINES_AROUND: Final = 15
_EXCERPT_LENGTH: Final = 8_000
_EXPLANATION_LENGTH: Final = 4_000
_COMPLAINT_LENGTH: Final = 300


class ExplainError(ScopeError):
    """The program that explains findings failed; the message says how, and which setting names it."""


@dataclass(frozen=True, slots=True)
class Explainer:
    """Starts ``command`` for each finding of the code in ``folder``, and waits ``timeout_s`` for it at most."""

    command: tuple[str, ...]
    timeout_s: int
    folder: Path

    @classmethod
    def configured(cls, config: AnalyseConfig, folder: Path) -> Explainer:
        """Raises ExplainError where the settings name no program."""
        try:
            command = tuple(shlex.split(config.explain_command))
        except ValueError as error:
            raise ExplainError(f"analyse.explain_command cannot be read: {error}") from None
        if not command:
            raise ExplainError("no program explains findings: set analyse.explain_command to one that does")
        return cls(command, config.explain_timeout_s, folder)

    def explain(self, finding: Finding) -> str:
        """What the program prints, its first 4,000 characters. Raises ExplainError."""
        asked = dumps(self._question(finding)).encode()
        try:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ExplainError(f"analyse.explain_command: {self.command[0]}: {error.strerror}") from None
        with process:
            said, complaint = self._answer(process, asked)
        if process.returncode:
            last = complaint.decode(errors="replace").strip()[-_COMPLAINT_LENGTH:]
            raise ExplainError(
                f"analyse.explain_command exited with {process.returncode}: {last or 'it did not say why'}"
            )
        return said.decode(errors="replace").strip()[:_EXPLANATION_LENGTH]

    def _answer(self, process: subprocess.Popen[bytes], asked: bytes) -> tuple[bytes, bytes]:
        """What it printed on both streams. Whatever happens, nothing that it started goes on."""
        try:
            return process.communicate(asked, self.timeout_s)
        except subprocess.TimeoutExpired:
            raise ExplainError(
                f"analyse.explain_command took longer than {self.timeout_s} s: analyse.explain_timeout_s allows more"
            ) from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _question(self, finding: Finding) -> JsonObject:
        first, excerpt = self._excerpt(finding)
        return {"finding": finding_object(finding), "excerpt": {"first_line": first, "source": excerpt}}

    def _excerpt(self, finding: Finding) -> tuple[int, str]:
        """The number of its first line, and the source around the finding without secrets.

        Empty where the file is gone, and where a secret of several lines, a private key, stands in it: its lines would
        not be recognised one by one, nor be where they were.
        """
        try:
            source = (self.folder / finding.file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return finding.line, ""
        lines = redact(source).splitlines()
        if len(lines) != len(source.splitlines()):
            return finding.line, ""
        first = max(finding.line - _LINES_AROUND, 1)
        return first, "\n".join(lines[first - 1 : finding.line + _LINES_AROUND])[:_EXCERPT_LENGTH]
