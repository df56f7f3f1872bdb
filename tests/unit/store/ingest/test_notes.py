"""What is found worth searching for in a request's records, and how much of it at most."""

from __future__ import annotations

import struct

import pytest

from scope.model import Cut, Event, EventType, Frame, ObjectName, Redacted
from scope.store.ingest.notes import MAX_ATTRIBUTES, MAX_KEY, MAX_MESSAGE, MAX_TEXT, NOTHING, Noted, read_notes
from scope.wire.encode import encode_record
from tests.unit.store.kit import annotation, exception


def span(name: str, **attributes: object) -> bytes:
    payload = {"name": name, "attributes": attributes}
    return encode_record(Event(EventType.SPAN_BEGIN, 10_000, 1, 2, 1, payload=payload))


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        ("free", "free", None),
        (42, "42", 42),
        (2.5, "2.5", 2.5),
        (True, "true", None),
        (False, "false", None),
        (None, "null", None),
        (Cut("begin", 900), "begin", None),
        (1 << 80, str(1 << 80), float(1 << 80)),
        (10**400, str(10**400)[:MAX_TEXT], None),
    ],
)
def test_values_are_kept_as_filters_compare_them(value: object, text: str, number: float | None) -> None:
    assert read_notes([annotation(1, key=value)]).attributes == (("key", text, number),)


@pytest.mark.parametrize("value", [b"bytes", Redacted(), ObjectName("Socket"), (1, 2), {"a": 1}])
def test_what_filters_cannot_compare_is_not_kept(value: object) -> None:
    assert read_notes([annotation(1, key=value)]) == NOTHING


def test_attributes_of_spans_count_too() -> None:
    noted = read_notes([span("query", table="users"), annotation(1, user=1)])
    assert noted.attributes == (("table", "users", None), ("user", "1", 1))
    assert noted.names == ("query",)


def test_a_key_may_have_several_values_but_each_once() -> None:
    noted = read_notes([annotation(1, user=1), annotation(1, user=2), annotation(1, user="1")])
    assert [text for _, text, _ in noted.attributes] == ["1", "2"]


def test_a_request_adds_no_more_than_so_much() -> None:
    many = annotation(1, **{f"key{number}": number for number in range(MAX_ATTRIBUTES + 9)})
    assert len(read_notes([many]).attributes) == MAX_ATTRIBUTES
    long = read_notes(
        [annotation(1, **{"k" * 500: "v" * 5000}), span("n" * 5000), exception(1, "T" * 5000, "m" * 5000)]
    )
    assert [(len(key), len(text)) for key, text, _ in long.attributes] == [(MAX_KEY, MAX_TEXT)]
    assert len(long.names[0]) == MAX_TEXT
    assert (len(long.faults[0].type), len(long.faults[0].message)) == (MAX_TEXT, MAX_MESSAGE)


def test_records_that_break_the_format_are_passed_over() -> None:
    broken = annotation(1, user=1)[:-8]
    assert read_notes([b"", b"\xff" * 7, broken, annotation(1, user=2)]).attributes == (("user", "2", 2),)


def test_a_payload_that_breaks_the_format_is_passed_over() -> None:
    record = bytearray(annotation(1, user="name"))
    struct.pack_into("<H", record, 32, 9)
    assert read_notes([bytes(record)]) == NOTHING


# --- exceptions ---


def test_the_frame_of_a_fault_is_the_innermost_of_the_application() -> None:
    (fault,) = read_notes([exception(1)]).faults
    assert (fault.file, fault.function, fault.line) == ("/srv/shop/pay.py", "charge", 31)


@pytest.mark.parametrize(
    ("frames", "file"),
    [([Frame("/lib/a.py", "f", 1, in_app=False), Frame("/lib/b.py", "g", 2, in_app=False)], "/lib/b.py"), ([], "")],
)
def test_without_one_it_is_the_innermost_of_all(frames: list[Frame], file: str) -> None:
    assert read_notes([exception(1, frames=frames)]).faults[0].file == file


def test_a_fingerprint_is_of_type_place_and_route_but_not_of_line_or_message() -> None:
    first, moved = (read_notes([exception(1, message=f"no {line}", line=line)]).faults[0] for line in (31, 35))
    assert first.fingerprint("/pay") == moved.fingerprint("/pay")
    other = read_notes([exception(1, "shop.Other")]).faults[0]
    elsewhere = read_notes([exception(1, frames=[Frame("/srv/shop/pay.py", "refund", 31, in_app=True)])]).faults[0]
    prints = {each.fingerprint(route) for each in (first, other, elsewhere) for route in ("/pay", None)}
    assert len(prints) == 6
    assert all(len(each) == 16 for each in prints)


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([], None),
        ([exception(1, "A"), exception(1, "B")], "B"),
        ([exception(1, "A"), exception(1, "B", escaped=False)], "A"),
        ([exception(1, "A", span=1), exception(1, "B", span=2)], "A"),
        ([exception(1, "A", span=3), exception(1, "B", span=2)], "B"),
    ],
    ids=["none", "the latest", "one that escaped", "one that left the request", "the latest of spans"],
)
def test_the_exception_that_ended_a_request_is_the_likeliest(notes: list[bytes], expected: str | None) -> None:
    assert read_notes(notes).error == expected


def test_an_exception_recorded_again_further_out_is_the_same() -> None:
    inner, other = exception(1, span=3, escaped=False), exception(1, "Other", span=4, escaped=False)
    noted = read_notes([inner, other, exception(1, span=1, again=True, frames=[])])
    assert [(fault.type, fault.line, fault.is_echo) for fault in noted.faults] == [
        ("shop.Declined", 31, False),
        ("Other", 31, False),
    ]
    assert noted.error == "shop.Declined"


def test_one_recorded_again_in_a_later_piece_is_not_counted_again() -> None:
    noted = read_notes([exception(1, again=True, frames=[])])
    assert noted.by_fingerprint("/pay") == {}
    assert noted.error == "shop.Declined"


def test_what_was_noted_before_is_joined_with_what_is_new() -> None:
    stored = Noted((("a", "1", 1),), names=("first",), fingerprints=frozenset({"f"}), earlier_error="Old")
    joined = stored.followed_by(Noted((("a", "1", 1), ("b", "2", 2)), names=("second",)))
    assert joined.attributes == (("a", "1", 1), ("b", "2", 2))
    assert joined.names == ("first", "second")
    assert (joined.error, joined.fingerprints) == ("Old", frozenset({"f"}))
