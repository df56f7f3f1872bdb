"""Settings of a process: which count, and which can change while it runs."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from scope import Thread, annotate, configure, span
from scope.capture.process import process
from scope.config import ConfigError
from scope.testing import captured
from tests.unit.core.inside import serve

pytestmark = pytest.mark.usefixtures("no_integrations")


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
