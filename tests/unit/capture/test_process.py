"""Settings of a process and the beginning of its session; whatever is wrong, the application runs."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import scope
from scope import ScopeMiddleware, Thread, _core, annotate, configure, span
from scope.capture import middleware
from scope.capture import process as module
from scope.capture.process import Process, process
from scope.config import ConfigError
from scope.testing import captured
from scope.wire.definitions import decode_definition
from tests.unit.core.inside import http, receive, send, serve

pytestmark = pytest.mark.usefixtures("no_integrations")


@pytest.fixture(autouse=True)
def no_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPE_COLLECTOR_AUTOSTART", "false")


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """What a test began is ended; the next one begins anew."""
    yield
    session = _core.get_session()
    _core.set_session(None)
    _core.set_starter(None)
    _core.set_secret_names(None)
    _core.pause(False)
    if session is not None:
        session.close()


def segments() -> list[Path]:
    directory = Path(process.config.segment.dir)
    return sorted(directory.glob("*.seg")) if directory.is_dir() else []


# --- configure -------------------------------------------------------------------------------------------------------


def test_settings_from_code_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPE_SERVICE", "by environment")
    assert process.config.service == "by environment"
    configure(service="by code")
    assert process.config.service == "by code"


def test_each_call_changes_what_it_names_and_nothing_else() -> None:
    configure(segment={"lanes": 8})
    configure(segment={"lane_bytes": "128KiB"}, service="shop")
    configure(segment__block_bytes="32KiB")
    configure(segment_definitions_bytes="1MiB")
    segment = process.config.segment
    assert (segment.lanes, segment.lane_bytes, segment.block_bytes, segment.definitions_bytes) == (
        8,
        131072,
        32768,
        1 << 20,
    )
    configure(segment={"lanes": 9})
    assert process.config.segment.lanes == 9
    assert process.config.service == "shop"


def test_the_last_word_counts_however_the_key_is_written() -> None:
    configure(segment_lanes=2)
    configure(segment={"lanes": 3})
    configure(segment_lanes=4)
    assert process.config.segment.lanes == 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"service_name": "x"}, "unknown key service_name"),
        ({"segment": {"lanes": 0}}, "segment.lanes"),
        ({"segment": {"lane": 1}}, "did you mean segment.lane"),
        ({"segment": 3}, "segment"),
    ],
    ids=str,
)
def test_a_faulty_setting_is_refused_and_nothing_is_changed(settings: dict[str, object], words: str) -> None:
    configure(service="before")
    with pytest.raises(ConfigError, match=words):
        configure(**settings)
    assert process.config.service == "before"
    configure(service="after")
    assert process.config.service == "after"


def test_once_requests_are_traced_only_keys_of_the_run_time_change() -> None:
    asyncio.run(serve(lambda: None))
    with pytest.raises(ConfigError, match="cannot change once requests are traced"):
        configure(segment={"lanes": 7})
    assert process.config.segment.lanes != 7
    configure(enabled=True)


def test_the_policy_of_full_lanes_can_change_while_requests_are_traced() -> None:
    """From waiting in vain to losing the newest at once, to losing the oldest."""

    def much() -> None:
        for _ in range(2000):
            annotate(text="x" * 100)

    def in_thread(overflow: str) -> set[str]:
        configure(segment={"overflow": overflow, "block_ms": 1})
        before = Counter(capture.losses())
        thread = Thread(target=much)
        thread.start()
        thread.join()
        return {reason for reason, events in (Counter(capture.losses()) - before).items() if events}

    def work() -> None:
        found.extend(in_thread(overflow) for overflow in ("block", "discard-newest", "overwrite-oldest"))

    found: list[set[str]] = []
    with captured(lane_bytes=32768) as capture:
        asyncio.run(serve(work))
    configure(segment={"overflow": "overwrite-oldest"})
    assert found == [{"timed_out"}, {"full"}, {"lapped"}]


def test_capture_can_be_switched_off_and_on_and_what_is_under_way_is_finished() -> None:
    def switch_off() -> None:
        configure(enabled=False)
        annotate(still="recorded")

    with captured() as capture:
        asyncio.run(serve(switch_off))
        asyncio.run(serve(lambda: annotate(nothing=1)))
        with span("no task either"):
            pass
        configure(enabled=True)
        asyncio.run(serve(lambda: annotate(again=1)))
    first, second = capture.traces()
    assert first.root.attributes["still"] == "recorded"
    assert first.request.complete
    assert second.root.attributes["again"] == 1


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


async def nothing(scope: object, receive: object, send: object) -> None:
    """An application that does nothing."""


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


def answered(app: ScopeMiddleware) -> bool:
    """Whether the application behind ``app`` is reached twice."""
    reached: list[int] = []

    async def work(*_: object) -> None:
        reached.append(1)

    app.app = work
    for _ in range(2):
        asyncio.run(app(http(), receive, send))
    return len(reached) == 2


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


# --- the middleware --------------------------------------------------------------------------------------------------


def test_excluded_paths_are_not_traced() -> None:
    configure(capture={"exclude_paths": ["/health", "/static/*"]})
    app = ScopeMiddleware(nothing)
    with captured() as capture:
        for path in ("/health", "/static/a/b", "/healthy", "/work", None, 3, b"/health"):
            asyncio.run(app(http(path=path), receive, send))
    assert [trace.request.path for trace in capture.traces()] == ["/healthy", "/work", "", "", ""]


def test_the_correlation_header_is_the_configured_one() -> None:
    configure(capture={"request_header": "X-Correlation-ID", "trust_headers": False})
    sent: list[Any] = []

    async def app(_: object, __: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def keep(message: Any) -> None:
        sent.append(message)

    with captured() as capture:
        headers = [(b"x-correlation-id", b"mine"), (b"x-request-id", b"mine")]
        asyncio.run(ScopeMiddleware(app)(http(headers=headers), receive, keep))
    assert sent[0]["headers"] == [(b"x-correlation-id", capture.trace().request.id.encode())]
    assert capture.trace().request.id != "mine"


@pytest.mark.parametrize("scope_", [{}, {"type": None}, {"type": "other", "path": "/x"}, {"type": 3}], ids=str)
def test_a_scope_of_another_kind_reaches_the_application(scope_: dict[str, Any]) -> None:
    reached: list[object] = []

    async def app(scope: object, *_: object) -> None:
        reached.append(scope)

    with captured() as capture:
        asyncio.run(ScopeMiddleware(app)(scope_, receive, send))
    assert reached == [scope_]
    assert capture.traces() == []


def test_the_request_is_in_the_scope_while_it_runs() -> None:
    seen: list[object] = []

    async def app(scope: Any, *_: object) -> None:
        seen.append(scope[middleware.REQUEST_KEY] is scope_module_request())

    def scope_module_request() -> object:
        return scope.current_request()

    with captured():
        asyncio.run(ScopeMiddleware(app)(http(), receive, send))
    assert seen == [True]


def test_an_integration_that_fails_is_told_and_the_application_is_traced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("SCOPE_INTEGRATIONS", "nonesuch")
    with captured() as capture:
        asyncio.run(ScopeMiddleware(nothing)(http(), receive, send))
    assert capture.trace().request.path == "/work"
    assert "an integration could not be installed" in caplog.text


def test_no_integration_is_installed_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    import scope.integrations

    monkeypatch.undo()
    monkeypatch.setattr(scope.integrations, "install", lambda _: 1 / 0)
    monkeypatch.setenv("SCOPE_INTEGRATIONS", "")
    assert answered_quietly(ScopeMiddleware(nothing))


def answered_quietly(app: ScopeMiddleware) -> bool:
    with captured():
        return answered(app)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_life_of_an_application_goes_on_whether_it_is_traced_or_not(enabled: bool) -> None:
    served: list[str] = []

    async def app(scope: Any, *_: object) -> None:
        served.append(scope["type"])
        if len(served) == 2:
            raise KeyError

    with captured() as capture:
        traced = ScopeMiddleware(app)
        _core.pause(not enabled)
        asyncio.run(traced({"type": "lifespan"}, receive, send))
        with pytest.raises(KeyError):
            asyncio.run(traced({"type": "lifespan"}, receive, send))
    assert served == ["lifespan", "lifespan"]
    assert [trace.request.outcome for trace in capture.traces()] == (["ok", "exception"] if enabled else [])
