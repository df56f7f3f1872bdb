"""One run of the command line: its configuration, the store it looks at and where its output goes."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

import click

from .output import Output, open_output

if TYPE_CHECKING:
    from ...config import Config
    from ...store import Reader

__all__ = ["Invocation", "pass_invocation"]


class Invocation:
    """What every command is given; each part is loaded when it is first asked for."""

    def __init__(self, directory: str | None) -> None:
        self._directory = directory

    @cached_property
    def config(self) -> Config:
        """The settings in force here; raises ConfigError."""
        from ...config import load

        return load(overrides={"dir": self._directory} if self._directory else {})

    @cached_property
    def output(self) -> Output:
        return open_output()

    def open_store(self) -> Reader:
        """The stored requests, a context manager; raises StoreUnavailable where there are none."""
        from ...store import Reader

        return Reader(self.config.store_dir)

    @staticmethod
    def now_ns() -> int:
        """Unix time."""
        return time.time_ns()


pass_invocation = click.make_pass_decorator(Invocation)
