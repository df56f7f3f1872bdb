"""From what somebody typed to one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scope.store import Ambiguous, Batch, NotFound, Reader
from scope.wire.ids import span_id
from tests.unit.store.kit import HOUR_NS, START_NS, Clock, failed, open_writer, store, summary, unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALLER = 0xB000_0000_0000_0001
SHARED = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    directory = tmp_path_factory.mktemp("store")
    handler = span_id(CALLER, 3)
    with open_writer(directory, clock=Clock(START_NS + 2 * HOUR_NS)) as writer:
        numbered = [summary(key, trace_id=bytes([key]) * 16, span_id=key << 56 | 0xFEED) for key in range(0x10, 0x90)]
        named = [summary(200 + at, id=f"order-{at:04d}", start_ns=START_NS + HOUR_NS + at) for at in range(40)]
        passed_on = [
            summary(301, trace_id=SHARED, span_id=0xB2, remote_parent=handler, id="order-x", path="/inner", segment=2),
            summary(302, trace_id=SHARED, span_id=CALLER, remote_parent=0xC1, id="order-x", path="/outer", spans=4),
            summary(303, trace_id=SHARED, span_id=0xB3, remote_parent=0xB2, id="order-x", path="/innermost"),
        ]
        alone = [
            summary(400, id="only\nline", path="/odd"),
            summary(401, id="ordeal", path="/ordeal"),
            summary(402, id="deadbeef", path="/named-like-hex", trace_id=bytes.fromhex("ff" * 16)),
            summary(403, trace_id=bytes.fromhex("deadbeef" * 4), path="/hex"),
        ]
        writer.commit(Batch(finished=[*numbered, *passed_on]))
        writer.commit(Batch(finished=[*named, *alone]))
        writer.commit(Batch(open=[unfinished(500, id="running", trace_id=bytes.fromhex("eeee" * 8))]))
    with Reader(directory) as opened:
        yield opened


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("12" * 16, "/items/18"),
        ("12", "/items/18"),
        ("121212121", "/items/18"),
        ("12000000", "/items/18"),
        ("120000000000feed", "/items/18"),
        ("12" * 15 + "1", "/items/18"),
        ("order-0007", "/items/207"),
        ("order-003", None),
        ("order-0039", "/items/239"),
        ("ordea", "/ordeal"),
        ("ordeal", "/ordeal"),
        ("running", "/items/500"),
        ("run", "/items/500"),
        ("eeee", "/items/500"),
        ("DEADBEEFDE", "/hex"),
        ("deadbeef", "/named-like-hex"),
        ("deadbeefdeadbeefdeadbeefdeadbeef", "/hex"),
        ("only", "/odd"),
    ],
)
def test_an_id_or_a_prefix_that_only_one_has_finds_it(reader: Reader, reference: str, path: str | None) -> None:
    if path is None:
        with pytest.raises(Ambiguous):
            reader.find(reference)
    else:
        assert reader.find(reference).path == path


@pytest.mark.parametrize(
    "reference",
    ["", "order-9", "1212f", "12" * 17, "only\nlin", "order-0007\n", "@first", "121212120", "ORDEAL", "%", "*"],
)
def test_what_no_request_is_called_is_not_found(reader: Reader, reference: str) -> None:
    with pytest.raises(NotFound, match="scope ls"):
        reader.find(reference)


@pytest.mark.parametrize("reference", ["1", "order-00", "order", "de"])
def test_a_prefix_of_several_lists_some_of_them_the_newest_first(reader: Reader, reference: str) -> None:
    with pytest.raises(Ambiguous, match=f"begin with '{reference}': add what follows") as caught:
        reader.find(reference)
    starts = [request.start_ns for request in caught.value.candidates]
    assert starts == sorted(starts, reverse=True)
    assert 1 < len(starts) <= 10


@pytest.mark.parametrize("reference", ["order-x", SHARED.hex(), SHARED.hex()[:9]])
def test_an_id_passed_on_between_services_means_the_request_that_the_others_were_made_for(
    reader: Reader, reference: str
) -> None:
    """The inner ones began earlier, by their clock, and their parent is a span of the outer one or its root."""
    assert reader.find(reference).path == "/outer"


def test_every_one_of_them_is_found_by_its_own_span(reader: Reader) -> None:
    assert reader.find("00000000000000b2").path == "/inner"


def test_one_id_on_requests_that_have_nothing_to_do_with_each_other_means_the_earliest(tmp_path: Path) -> None:
    store(tmp_path, [summary(key, id="test") for key in (5, 3, 4)])
    with Reader(tmp_path) as reader:
        assert reader.find("test").path == "/items/3"


def test_a_family_whose_outermost_was_removed_means_the_earliest_left(tmp_path: Path) -> None:
    ring = [summary(1, id="x", span_id=1, remote_parent=2), summary(2, id="x", span_id=2, remote_parent=1)]
    store(tmp_path, ring)
    with Reader(tmp_path) as reader:
        assert reader.find("x").path == "/items/1"


def test_shorthands_need_something_to_stand_for(tmp_path: Path) -> None:
    open_writer(tmp_path).close()
    with Reader(tmp_path) as reader:
        for reference in ("@last", "@slowest", "@last-error"):
            with pytest.raises(NotFound, match=f"nothing stored is {reference}"):
                reader.find(reference)


def test_shorthands(tmp_path: Path) -> None:
    start_ns = START_NS + 9_000_000
    requests = [
        summary(1, response_end_ns=START_NS + 900_000_000, end_ns=START_NS + 900_000_000),
        failed(2),
        failed(3, outcome=0, notes=()),
        summary(4, status=404),
        summary(5, kind=3, path="/lifespan", start_ns=start_ns, response_end_ns=0, end_ns=start_ns + HOUR_NS),
        summary(6, kind=2, path="/socket", response_end_ns=0, end_ns=start_ns + HOUR_NS),
    ]
    with open_writer(tmp_path) as writer:
        writer.commit(Batch(finished=requests, open=[unfinished(7, end_ns=START_NS + HOUR_NS)]))
    with Reader(tmp_path) as reader:
        assert reader.find("@last").path == "/items/7"
        assert reader.find("@slowest").path == "/items/1"
        assert reader.find("@last-error").path == "/items/3"


def test_a_prefix_that_thousands_have_does_not_read_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scope.store.query.find._MAX_MATCHES", 20)
    store(tmp_path, [summary(key, id=f"order-{key}") for key in range(100, 300)])
    with Reader(tmp_path) as reader, pytest.raises(Ambiguous):
        reader.find("order-")
