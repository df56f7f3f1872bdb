"""``scope set``: wishes are written where the collector finds them, and told of as they are in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scope._core import Segment, Session
from scope.collector.lock import Lock
from scope.config import Config, load, prepare_dirs
from scope.config.wishes import Wishes, read_wishes
from scope.views.cli import set as command
from scope.wire.control import control_word

if TYPE_CHECKING:
    from click.testing import Result


@pytest.fixture
def config() -> Config:
    config = load()
    prepare_dirs(config)
    return config


@pytest.fixture
def setting(config: Config, scope: Callable[..., Result]) -> Callable[..., Result]:
    """``scope set`` for the directory of the test."""
    return partial(scope, "--dir", config.dir, "set")


@contextmanager
def traced(config: Config, name: str, policy: int = 0) -> Iterator[Path]:
    """A process that is being traced: this one."""
    path = Path(config.segment.dir, f"{name}.seg")
    session = Session(str(path), lanes=1, first_lane_bytes=32768, lane_bytes=32768, policy=policy)
    yield path
    session.close()
    path.unlink()


def tell(path: Path, overflow: str | None) -> None:
    segment = Segment(str(path))
    segment.set_control(control_word(overflow))
    segment.close()


def test_without_a_wish_it_shows_what_is_in_force(config: Config, setting: Callable[..., Result]) -> None:
    assert setting().stdout == "segment.overflow = default: no process is being traced\n"
    with traced(config, "a"), traced(config, "b", 1), traced(config, "c", 1) as third:
        expected = "overwrite-oldest in 1 process, discard-newest in 2 processes"
        assert setting().stdout == f"segment.overflow = default: {expected}\n"
        tell(third, "block")
        assert "block in 1 process\n" in setting().stdout


def test_a_wish_is_kept_for_the_next_collector_where_none_runs(config: Config, setting: Callable[..., Result]) -> None:
    result = setting("segment.overflow=block")
    assert result.exit_code == 4
    assert "the next one carries it out" in result.stderr
    assert read_wishes(config.wishes_path) == Wishes("block")
    setting("segment.overflow=default")
    assert read_wishes(config.wishes_path) == Wishes()


def test_it_tells_in_how_many_processes_the_wish_is_in_force(config: Config, setting: Callable[..., Result]) -> None:
    with Lock(config.lock_path), traced(config, "a") as path:
        tell(path, "block")
        result = setting("segment.overflow=block")
    assert (result.exit_code, result.stdout) == (0, "segment.overflow = block: block in 1 process\n")


def test_processes_that_were_not_reached_are_a_failure(
    config: Config, setting: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PATIENCE_S", 0.0)
    with Lock(config.lock_path), traced(config, "a"):
        result = setting("segment.overflow=block")
    assert result.exit_code == 1
    assert "1 processes were not reached" in result.stderr
    assert "overwrite-oldest in 1 process" in result.stdout


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("segment.overflow", "is not one of segment.overflow with ="),
        ("store.slice_s=5", "is not one of segment.overflow with ="),
        ("segment.overflow=blok", "must be one of overwrite-oldest, discard-newest, block, or default"),
    ],
)
def test_what_cannot_be_wished_for_is_refused(setting: Callable[..., Result], argument: str, reason: str) -> None:
    result = setting(argument)
    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.split())


def test_a_damaged_wish_is_told_of(config: Config, setting: Callable[..., Result]) -> None:
    Path(config.wishes_path).write_text("{")
    result = setting()
    assert result.exit_code == 1
    assert "it is no JSON; set it anew" in result.stderr
