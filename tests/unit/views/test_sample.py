"""Which stored requests are looked at: new and slow ones of every route, no matter how many there are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scope.store import Reader
from scope.views import sample
from scope.views.sample import sampled
from tests.unit.store.kit import START_NS, store, summary

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def looked_at(directory: Path, since_ns: int | None = None) -> list[str]:
    with Reader(directory) as reader:
        return [trace.request.path for trace in sampled(reader, since_ns)]


def test_newest_and_slowest_of_each_route_are_there_once(tmp_path: Path) -> None:
    often = [summary(key) for key in range(1, 60)]
    slow = summary(60, start_ns=START_NS, response_end_ns=START_NS + 10**9, end_ns=START_NS + 10**9)
    seldom = [summary(key, route=0, route_text="/seldom", path=f"/seldom/{key}") for key in range(100, 103)]
    store(tmp_path, [*often, slow, *seldom])
    found = looked_at(tmp_path)
    assert Counter(path.split("/")[1] for path in found)["seldom"] == 3
    assert "/items/60" in found
    assert "/items/59" in found
    assert len(found) == len(set(found)) <= 3 + 20


def test_only_requests_and_only_since_then_are_looked_at(tmp_path: Path) -> None:
    store(tmp_path, [summary(1), summary(2, kind=4), summary(3, kind=3), summary(5, kind=2)])
    assert sorted(looked_at(tmp_path)) == ["/items/1", "/items/5"]
    assert looked_at(tmp_path, START_NS + 5_000_000) == ["/items/5"]


def test_what_is_read_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_EVENTS", 20)
    monkeypatch.setattr(sample, "_LARGEST", 5)
    store(tmp_path, [*(summary(key) for key in range(1, 10)), summary(20, events=6)])
    assert len(looked_at(tmp_path)) == 5
    assert "/items/20" not in looked_at(tmp_path)
