"""What one process traces with: its settings, and the session that begins with the first request.

There is one per process, as there is one native runtime; forked children inherit the settings and begin a session of
their own. Nothing that goes wrong here reaches the application: capture stays off, and the log says why, once.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from .._core import (
    Session,
    get_session,
    pause,
    set_complain,
    set_describe,
    set_never_types,
    set_secret_names,
    set_starter,
)
from ..config import KEYS, Config, ConfigError, load, prepare_dirs
from ..errors import ScopeError
from .autostart import start_collector
from .exceptions import ExceptionLimits, describe
from .leftovers import remove_leftovers
from .never_types import never_types
from .watching import watch_process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..config import SegmentConfig

logger = logging.getLogger("scope")

POLICIES: Final[Mapping[str, int]] = {"overwrite-oldest": 0, "discard-newest": 1, "block": 2}


class Process:
    """The settings of this process and the beginning of its session."""

    def __init__(self) -> None:
        self._settings: dict[str, object] = {}
        self._config: Config | None = None

    @property
    def config(self) -> Config:
        """The settings in force; read from their sources on first use. Raises ConfigError."""
        if self._config is None:
            self._config = load(overrides=self._settings)
        return self._config

    def configure(self, settings: Mapping[str, object]) -> None:
        """Set keys from code, above every other source. Raises ConfigError.

        Once a session has begun, only keys that can change at run time may be set.
        """
        given = dict(_flat(settings))
        merged = {name: value for name, value in self._settings.items() if name not in given} | given
        config = load(overrides=merged)
        session = get_session()
        if session is not None:
            self._check_runtime(config)
            session.set_overflow(*_overflow(config.segment))
            watch_process(config.loop)
        self._settings, self._config = merged, config
        install(self)
        pause(not config.enabled)

    def _check_runtime(self, config: Config) -> None:
        before = self.config.values()
        for name, value in config.values().items():
            if value != before[name] and not KEYS[name].runtime:
                message = f"{name} cannot change once requests are traced; call configure() before the first request"
                raise ConfigError(message, key=name, source="argument")

    def start(self) -> Session | None:
        """Begin this process's session; the native runtime calls it on the first request. None where it is off."""
        try:
            config = self.config
            return self._begin(config) if config.enabled else None
        except (ScopeError, OSError, ValueError) as error:
            logger.error("scope: requests of process %d are not traced: %s", os.getpid(), error)  # noqa: TRY400 - it says all
            return None

    def _begin(self, config: Config) -> Session:
        segment = config.segment
        policy, block_ms, block_event_loops = _overflow(segment)
        prepare_dirs(config)
        remove_leftovers(segment.dir, segment.leftovers_bytes)
        session = Session(
            os.path.join(segment.dir, f"{os.getpid()}-{os.urandom(8).hex()}.seg"),
            lanes=segment.lanes,
            first_lane_bytes=segment.first_lane_bytes,
            lane_bytes=segment.lane_bytes,
            block_bytes=segment.block_bytes,
            definitions_bytes=segment.definitions_bytes,
            policy=policy,
            block_ms=block_ms,
            block_event_loops=block_event_loops,
            max_value_bytes=config.capture.max_value_bytes,
            max_attributes=config.capture.max_attributes,
            resource=_resource(config),
        )
        watch_process(config.loop)
        set_complain(partial(_complain, segment.dir))
        limits = ExceptionLimits(frames=config.capture.max_stack_frames)
        set_describe(partial(describe, limits=limits))
        secret = frozenset(name.lower() for name in config.capture.redact_names)
        set_never_types(never_types(config.capture.redact_types))
        set_secret_names((lambda name: name.lower() in secret) if secret else None)
        if config.collector.autostart:
            start_collector(config)
        return session


def _complain(directory: str) -> None:
    """The requests themselves go on."""
    message = "scope: no memory left in %s for what process %d records: free some, or set segment.dir to another place"
    logger.warning(message, directory, os.getpid())


def _overflow(segment: SegmentConfig) -> tuple[int, int, bool]:
    """What a full lane does: the policy's number, how long a write may wait in ms, whether event loops may, too."""
    return POLICIES[segment.overflow], segment.block_ms, segment.block_event_loops


def _flat(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Settings by dotted names, so that each replaces itself only; ``__`` stands for the dot, too."""
    for name, value in settings.items():
        whole = f"{prefix}{name.replace('__', '.')}"
        if isinstance(value, Mapping):
            yield from _flat(cast("Mapping[str, object]", value), f"{whole}.")
        else:
            yield whole, value


def _resource(config: Config) -> dict[str, object]:
    """What is true of every request of this process, under OpenTelemetry's names."""
    return {
        "service.name": config.service,
        "host.name": os.uname().nodename,
        "process.pid": os.getpid(),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": ".".join(map(str, sys.version_info[:3])),
    }


def install(process: Process) -> None:
    """Let the first request of this process begin its session."""
    set_starter(process.start)


process: Final = Process()
"""The one of this process; the native runtime holds the session that it begins."""


def configure(**settings: object) -> None:
    """Set configuration keys from code: ``configure(service="shop", collector={"autostart": False})``.

    Arguments win over the environment and pyproject.toml. Raises ConfigError, naming key, value and allowed range;
    also for a key that cannot change any more once requests are traced.
    """
    process.configure(settings)
