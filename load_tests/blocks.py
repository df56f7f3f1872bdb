"""A child process that runs a block of work for each line it is given, and answers with the nanoseconds it took."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


class BlockError(RuntimeError):
    """The child has ended instead of answering."""


@contextmanager
def blocks_of(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Iterator[Callable[..., int]]:
    """A process during the block; each call of what is given sends it a line and waits for its answer.

    Raises:
        BlockError: A line has no answer; what the child said has gone to our own standard error.
    """
    process = subprocess.Popen(
        command, cwd=directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    lines, answers = process.stdin, process.stdout
    assert lines is not None
    assert answers is not None

    def ask(line: str = "") -> int:
        lines.write(f"{line}\n")
        lines.flush()
        answer = answers.readline()
        if not answer:
            raise BlockError(f"{' '.join(command)} has ended at {line!r}")
        return int(answer)

    with process:
        yield ask
        lines.close()
