"""The settings, frozen; each field is the row of one key, and :data:`KEYS` is the table of all of them."""

# Importing pathlib would cost a traced process more than the rest of its configuration.
# ruff: noqa: PTH118
from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from .key import Derived, Key, option
from .kinds import Choice, Duration, Flag, Names, NamesOrAuto, Percent, Size, Text, Where, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "KEYS",
    "SECTIONS",
    "AnalyseConfig",
    "CaptureConfig",
    "CollectorConfig",
    "Config",
    "GovernorConfig",
    "LoopConfig",
    "Overflow",
    "ProbesConfig",
    "Profile",
    "SegmentConfig",
    "StoreConfig",
]

Profile: TypeAlias = Literal["dev", "test", "prod"]
Engine: TypeAlias = Literal["auto", "ast", "monitoring"]
Overflow: TypeAlias = Literal["overwrite-oldest", "discard-newest", "block"]

KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30
TIB: Final = 1 << 40
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentConfig:
    """The shared memory that each traced process writes to."""

    dir: str = option(
        Where(),
        Derived("`DIR/segments` where `dir` was set, else a directory in `/dev/shm`, else `DIR/segments`"),
        "Directory of the segments; memory-backed is best.",
    )
    lanes: int = option(Whole(1, 1024), 64, "Lanes of a segment: threads of a process that can write at a time.")
    first_lane_bytes: int = option(
        Size(32 * KIB, 64 * MIB, power=True),
        MIB,
        "Capacity of the first lane, usually the event loop's; at least two blocks.",
    )
    lane_bytes: int = option(
        Size(32 * KIB, 64 * MIB, power=True), 256 * KIB, "Capacity of every other lane; at least two blocks."
    )
    block_bytes: int = option(
        Size(16 * KIB, 64 * KIB, power=True), 16 * KIB, "Block of a lane; no record is larger than a block."
    )
    definitions_bytes: int = option(
        Size(4 * KIB, 16 * MIB, power=True), 256 * KIB, "Room for the names of functions, spans and routes."
    )
    overflow: Overflow = option(  # noqa: RUF009 - makes a field
        Choice[Overflow](("overwrite-oldest", "discard-newest", "block")),
        "overwrite-oldest",
        "What a full lane does: lose its oldest events, lose new ones, or make the writing thread wait for room.",
        runtime=True,
    )
    block_ms: int = option(
        Duration("ms", 1, 60_000),
        1000,
        'With overflow = "block": longest wait of one write; after it the thread loses events until there is room.',
        runtime=True,
    )
    block_event_loops: bool = option(
        Flag(),
        default=False,
        help='With overflow = "block": whether threads that run an event loop wait, too; else they lose new events.',
        runtime=True,
    )
    leftovers_bytes: int = option(
        Size(0, TIB),
        64 * MIB,
        "Segments of dead processes that no collector has taken: the oldest beyond this are removed.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureConfig:
    """What is recorded of a request."""

    request_header: str = option(
        Text(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", "the name of an HTTP header, at most 64 characters", lower=True),
        "x-request-id",
        "Header of the correlation id, read from the request and written to the response.",
    )
    trust_headers: bool = option(Flag(), default=True, help="Take over a caller's ids where they are valid.")
    max_value_bytes: int = option(Whole(8, 8192), 256, "Bytes kept of one captured text.")
    max_attributes: int = option(Whole(1, 1024), 64, "Attributes kept of one span.")
    max_stack_frames: int = option(
        Whole(0, 64), 32, "Frames kept of an exception's stack, innermost and outermost first."
    )
    exclude_paths: tuple[str, ...] = option(
        Names(r"[/*?\[][^\s,]{0,255}", "globs of request paths"), (), "Requests that are not traced, by their path."
    )
    redact_names: tuple[str, ...] = option(
        Names(r"[A-Za-z0-9_.\-]{1,64}", "names"),
        (),
        "Attributes that are withheld besides those with well-known names.",
    )
    redact_types: tuple[str, ...] = option(
        Names(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){1,15}", "dotted names of classes"),
        (),
        "Classes whose objects are withheld, as are those of classes derived from them, besides well-known ones.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbesConfig:
    """Which functions `scope run` records without a change to their code."""

    own: bool = option(
        Flag(),
        Derived("true in profile dev, false in test and prod"),
        "Record the functions of the application itself; the reference of probes tells which.",
    )
    rules: tuple[str, ...] = option(
        Names(
            r"(?:@[\w.*?]+|[\w.*?]+(?::[\w.*?]+)?)(?:=[a-z]+(?:@[\d+]+)?)?(?: if [^,]+)?",
            "rules PATTERN, PATTERN=LEVEL or either with if CRITERIA",
            1000,
            last_counts=True,
        ),
        (),
        "Functions that are recorded, or are not, besides; the last rule that matches decides.",
    )
    calls_per_function: int = option(
        Whole(1, 1_000_000), 1000, "Calls of one function that one request records; the others are counted."
    )
    calls_per_request: int = option(
        Whole(1, 10_000_000), 10_000, "Calls of all functions that one request records; the others are counted."
    )
    engine: Engine = option(  # noqa: RUF009 - makes a field
        Choice[Engine](("auto", "ast", "monitoring")),
        "auto",
        "How calls are noticed: by transformed code, or by events of the interpreter (CPython 3.12 and 3.13).",
    )
    value_bytes: int = option(
        Size(64, 8 * KIB), KIB, "Bytes kept of one argument, result or local variable, with all that is in it."
    )
    call_bytes: int = option(
        Size(256, 12 * KIB), 4 * KIB, "Bytes kept of all arguments of a call, or of all its local variables."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """What is recorded of event loops and of the process besides what its requests do."""

    min_outside_ms: int = option(
        Duration("ms", 1, 60_000),
        10,
        "Steps of an event loop outside any request are recorded when they take this long.",
        runtime=True,
    )
    min_gc_ms: int = option(
        Duration("ms", 0, 60_000),
        1,
        "Pauses for garbage collection are recorded when they take this long.",
        runtime=True,
    )
    report_ms: int = option(
        Duration("ms", 1, 60_000),
        10,
        "`scope show` and `scope loop` tell of what held a loop, and of waits for it, of this length; all is recorded.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorConfig:
    """The process that drains the segments and stores requests."""

    autostart: bool = option(
        Flag(), Derived("true in profile dev, false in test and prod"), "The first traced process starts a collector."
    )
    idle_exit_s: int = option(
        Duration("s", 1, DAY_S), 10, "A collector that was started so exits this long after the last traced process."
    )
    poll_ms: int = option(Duration("ms", 1, 1000), 50, "Longest pause between two looks at the segments.")
    commit_ms: int = option(
        Duration("ms", 10, 10_000), 500, "Longest time between a request's end and its being stored."
    )
    memory_bytes: int = option(
        Size(8 * MIB, 64 * GIB),
        64 * MIB,
        "Memory of the collector; an eighth is for open requests: beyond it the oldest are cut.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernorConfig:
    """What tracing may cost, and whether the collector sees to it."""

    enabled: bool = option(
        Flag(), default=True, help="Leave out detail of functions while tracing costs a process more than the budget."
    )
    budget_percent: float = option(
        Percent(0.05, 100), 1.0, "Part of a traced process's CPU time that tracing may take in it."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """What is kept of the past."""

    slice_s: int = option(Duration("s", 60, 7 * DAY_S), 3600, "Time that one slice of the store covers.")
    retention_age_s: int = option(
        Duration("s", 60, 3650 * DAY_S), 7 * DAY_S, "Slices older than this are removed; at least one slice."
    )
    retention_bytes: int = option(Size(MIB, 1024 * TIB), GIB, "The oldest slices beyond this size are removed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyseConfig:
    """What `scope plan` asks others."""

    explain_command: str = option(
        Text(r".{0,1000}", "a command line of at most 1000 printable characters"),
        "",
        "What `--explain` of `scope plan` starts for each finding; nothing is explained without.",
    )
    explain_timeout_s: int = option(Duration("s", 1, 3600), 60, "How long it may take for one finding.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one process, valid together; made by :func:`load`. Paths are absolute.

    ``sources`` tells for every key where its value came from: "default", the path of a pyproject.toml, the name of an
    environment variable or "argument".
    """

    enabled: bool = option(Flag(), default=True, help="Trace at all.", runtime=True)
    profile: Profile = option(  # noqa: RUF009 - makes a field
        Choice[Profile](("dev", "test", "prod")), "dev", "Where this runs; other defaults follow it."
    )
    dir: str = option(
        Where(),
        Derived("`.scope` beside the nearest `pyproject.toml`, else in the working directory"),
        "Directory of everything that is read and written. The other keys call it DIR.",
    )
    service: str = option(
        Text(r".{1,128}", "text of 1 to 128 printable characters"),
        Derived("the project's name, else that of its folder"),
        "Name of this application in traces.",
    )
    integrations: tuple[str, ...] | Literal["auto"] = option(
        NamesOrAuto(Names(r"[a-z][a-z0-9_]{0,63}", "names of integrations")),
        "auto",
        'Integrations to install; "auto" takes those whose library is imported, an empty list none.',
    )
    segment: SegmentConfig
    capture: CaptureConfig
    probes: ProbesConfig
    loop: LoopConfig
    collector: CollectorConfig
    governor: GovernorConfig
    store: StoreConfig
    analyse: AnalyseConfig
    sources: Mapping[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)

    @property
    def store_dir(self) -> str:
        """Directory of the stored requests."""
        return os.path.join(self.dir, "store")

    @property
    def lock_path(self) -> str:
        """Who holds a lock on this file is the collector of DIR."""
        return os.path.join(self.dir, "collector.lock")

    @property
    def status_path(self) -> str:
        """What the collector says of itself."""
        return os.path.join(self.dir, "collector.json")

    @property
    def costs_path(self) -> str:
        """What recording costs on this machine, once it was measured."""
        return os.path.join(self.dir, "costs.json")

    @property
    def code_dir(self) -> str:
        """Directory of the compiled code of modules whose functions are recorded."""
        return os.path.join(self.dir, "code")

    @property
    def wishes_path(self) -> str:
        """What people want of the running processes."""
        return os.path.join(self.dir, "wishes.json")

    @property
    def probe_wishes_path(self) -> str:
        """What running processes are asked to record for a while."""
        return os.path.join(self.dir, "probes.json")

    @property
    def tickets_dir(self) -> str:
        """Where a request that is the only one to be recorded says so."""
        return os.path.join(self.dir, "tickets")

    @property
    def log_path(self) -> str:
        """What a collector without a terminal has to tell."""
        return os.path.join(self.dir, "collector.log")

    def values(self) -> dict[str, object]:
        """Every key with its value."""
        return {name: _value(self, name) for name in KEYS}

    def environment(self) -> dict[str, str]:
        """Variables that give a child process these very settings, whatever its directory."""
        return {key.variable: key.kind.show(_value(self, name)) for name, key in KEYS.items()}


SECTIONS: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        "segment": SegmentConfig,
        "capture": CaptureConfig,
        "probes": ProbesConfig,
        "loop": LoopConfig,
        "collector": CollectorConfig,
        "governor": GovernorConfig,
        "store": StoreConfig,
        "analyse": AnalyseConfig,
    }
)
"""The classes of the keys with a dot, by what stands before it."""


def _keys(owner: type[Any], section: str) -> Iterator[tuple[str, Key]]:
    for each in fields(owner):
        if promise := each.metadata.get("key"):
            name = f"{section}.{each.name}" if section else each.name
            yield name, Key(name, *promise)


def _value(config: Config, name: str) -> object:
    section, _, rest = name.rpartition(".")
    return getattr(getattr(config, section) if section else config, rest)


KEYS: Final[Mapping[str, Key]] = MappingProxyType(
    dict(key for section, owner in (("", Config), *SECTIONS.items()) for key in _keys(owner, section))
)
"""The table of keys, by name: the one source of their types, defaults, ranges and meanings."""
