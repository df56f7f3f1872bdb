"""The beginning of a process's session; whatever is wrong, the application runs."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from scope import ScopeMiddleware, _core, configure, span
from scope.capture import process as module
from scope.capture.process import Process, process
from scope.wire.definitions import decode_definition
from tests.unit.capture.process.segments import answered, nothing
from tests.unit.core.inside import http, receive, send, serve

pytestmark = pytest.mark.usefixtures("no_integrations")


def segments() -> list[Path]:
    directory = Path(process.config.segment.dir)
    return sorted(directory.glob("*.seg")) if directory.is_dir() else []


# --- the beginning ---------------------------------------------------------------------------------------------------


def test_the_first_request_begins_the_session_and_later_ones_use_it() -> None:
    app = ScopeMiddleware(nothing)
    assert _core.get_session() is None
    assert segments() == []
    for _ in range(3):
        asyncio.run(app(http(), receive, send))
    (path,) = segments()
    session = _core.get_session()
    assert session is not None
    assert session.path == str(path)
    assert session.statistics()["requests"] == 3
    assert path.name.startswith(f"{os.getpid()}-")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]


def test_a_span_begins_the_session_as_well() -> None:
    configure(service="nightly")
    with span("job"):
        pass
    assert len(segments()) == 1


def test_the_session_is_as_configured() -> None:
    configure(
        service="shop",
        segment={"lanes": 3, "first_lane_bytes": "64KiB", "lane_bytes": "32KiB", "overflow": "discard-newest"},
        capture={"max_attributes": 2, "redact_names": ["IBAN"]},
    )
    with span("job", iban="secret", a=1, b=2):
        pass
    session = _core.get_session()
    assert session is not None
    segment = _core.Segment(session.path)
    resource = decode_definition(segment.definitions()[0]).attributes
    assert (resource["service.name"], resource["process.pid"]) == ("shop", os.getpid())
    assert {"host.name", "process.runtime.name", "process.runtime.version"} <= resource.keys()
    assert segment.statistics()["size_bytes"] < 600_000
    segment.close()
    from scope.testing import Capture

    attributes = Capture(session).trace().root.attributes
    assert attributes.keys() == {"iban", "a", "scope.left_out"}
    assert "secret" not in repr(attributes)


def test_nothing_begins_where_capture_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPE_ENABLED", "false")
    asyncio.run(serve(lambda: None))
    configure()
    with span("job"):
        pass
    assert _core.get_session() is None
    assert segments() == []


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [{"SCOPE_SEGMENT_LANES": "many"}, {"SCOPE_NOWHERE": "1"}, {"SCOPE_SEGMENT_LANE_BYTES": "16KiB"}],
    ids=str,
)
def test_a_faulty_configuration_is_told_and_the_application_runs_untraced(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert answered(ScopeMiddleware(nothing))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "requests are not traced" in caplog.text
    assert _core.get_session() is None


@pytest.mark.parametrize("fault", ["file", "writable by others", "no room"])
def test_a_directory_that_cannot_be_used_is_told_once_and_the_application_runs(
    fault: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    directory = Path(process.config.dir)
    if fault == "file":
        directory.write_text("in the way")
    elif fault == "writable by others":
        directory.mkdir()
        directory.chmod(0o777)
    else:
        monkeypatch.setattr(module, "Session", full_disk)
    assert answered(ScopeMiddleware(nothing))
    assert _core.get_session() is None
    (record,) = caplog.records
    assert f"requests of process {os.getpid()} are not traced" in record.getMessage()


def full_disk(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_faults_nobody_thought_of_are_told_and_the_application_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    monkeypatch.setattr(module, "remove_leftovers", lambda *_: 1 / 0)
    assert answered(ScopeMiddleware(nothing))
    assert [type(each.exc_value) for each in told] == [ZeroDivisionError]


def test_a_session_that_could_not_begin_can_after_the_configuration_is_mended(caplog: pytest.LogCaptureFixture) -> None:
    Path(process.config.dir).write_text("in the way")
    app = ScopeMiddleware(nothing)
    assert answered(app)
    Path(process.config.dir).unlink()
    configure()
    assert answered(app)
    assert _core.get_session() is not None


def test_a_process_asks_for_a_collector_where_it_shall(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(module, "start_collector", lambda config: asked.append(config.dir))
    configure(collector={"autostart": True})
    with span("job"):
        pass
    assert asked == [process.config.dir]


def test_each_process_object_has_settings_of_its_own() -> None:
    other = Process()
    other.configure({"service": "other"})
    assert process.config.service != "other"
