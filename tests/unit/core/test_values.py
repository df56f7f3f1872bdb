"""Attribute values: what is kept of them, within which bounds, and that none of their code runs."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import uuid
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scope import _core, annotate, span
from scope.model import AttributeValue, Cut, ObjectName, Redacted
from scope.testing import captured
from scope.wire import fields

from .inside import inside

pytestmark = pytest.mark.usefixtures("no_integrations")


def kept(**attributes: object) -> dict[str, AttributeValue]:
    """What comes back of attributes of a span."""
    with captured() as capture, span("holder", **attributes):
        pass
    return dict(capture.trace().root.attributes)


def kept_of(value: object) -> AttributeValue:
    return kept(value=value)["value"]


class Color(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - a plain one


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (False, False),
        (0, 0),
        (-(2**63), -(2**63)),
        (2**63 - 1, 2**63 - 1),
        (2**63, 2**63),
        (-(10**40), -(10**40)),
        (1.5, 1.5),
        (math.inf, math.inf),
        ("", ""),
        ("tea", "tea"),
        ("grün 日本 😀", "grün 日本 😀"),
        ("\udcff", "\\udcff"),
        (b"", b""),
        (b"\x00\xff", b"\x00\xff"),
        ([], ()),
        ([1, "a", None], (1, "a", None)),
        ((1, (2, (3,))), (1, (2, (3,)))),
        ({}, {}),
        ({"a": 1, "b": {"c": [2]}}, {"a": 1, "b": {"c": (2,)}}),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (Pair(1, 2), (1, 2)),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(int, a=1), {"a": 1}),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (decimal.Decimal("1.50"), "1.50"),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.UTC), "2024-02-29 01:02:03+00:00"),
        (dt.time(1, 2), "01:02:00"),
        (dt.timedelta(days=1), "1 day, 0:00:00"),
        (object(), ObjectName("object")),
        (len, ObjectName("builtin_function_or_method")),
        ({1, 2}, ObjectName("set")),
        (range(3), ObjectName("range")),
        (1j, ObjectName("complex")),
    ],
    ids=lambda value: type(value).__name__ + str(value)[:20],
)
def test_values_of_plain_types_come_back(value: object, expected: object) -> None:
    assert kept_of(value) == expected


def test_nan_comes_back() -> None:
    value = kept_of(math.nan)
    assert isinstance(value, float)
    assert math.isnan(value)


def test_keys_that_are_no_str_are_left_out() -> None:
    assert kept_of({1: "a", "b": 2, None: 3}) == {"b": 2}


def test_names_may_be_any_text() -> None:
    assert kept(**{"": 1, "ä": 2, "with space": 3, "\udcff": 4}) == {"": 1, "ä": 2, "with space": 3, "\\udcff": 4}


# --- bounds ----------------------------------------------------------------------------------------------------------


def test_a_long_string_is_cut_and_says_how_long_it_was() -> None:
    assert kept_of("x" * 256) == "x" * 256
    assert kept_of("x" * 257) == Cut("x" * 256, 257)
    assert kept_of("x" * 10_000_000) == Cut("x" * 256, 10_000_000)


@pytest.mark.parametrize("character", ["ä", "日", "😀"])
def test_a_string_of_few_characters_but_many_bytes_is_cut_between_characters_and_says_so(character: str) -> None:
    whole = 256 // len(character.encode())
    assert kept_of(character * whole) == character * whole
    assert kept_of(character * (whole + 1)) == Cut(character * whole, whole + 1)


def test_long_bytes_are_cut() -> None:
    assert kept_of(b"x" * 1000) == b"x" * 256


def test_a_huge_integer_is_told_by_its_type_only() -> None:
    assert kept_of(1 << 2046) == 1 << 2046
    assert kept_of(1 << 5000) == ObjectName("int")


def test_a_list_and_a_dict_are_cut_after_32() -> None:
    assert kept_of([*range(100)]) == tuple(range(32))
    assert kept_of({f"k{n}": n for n in range(100)}) == {f"k{n}": n for n in range(32)}


def test_what_is_nested_too_deeply_is_told_by_its_type() -> None:
    assert kept_of([[[[1]]]]) == (((ObjectName("list"),),),)
    assert kept_of({"a": {"b": {"c": {"d": 1}}}}) == {"a": {"b": {"c": ObjectName("dict")}}}


def test_what_holds_itself_comes_to_an_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert kept_of(endless) == (((ObjectName("list"),),),)


def test_what_does_not_fit_a_record_is_told_by_its_type_and_what_follows_is_kept() -> None:
    wide: Any = "x" * 200
    for _ in range(3):
        wide = [wide] * 32
    assert kept(before=1, wide=wide, after=2) == {"before": 1, "wide": ObjectName("list"), "after": 2}


def test_many_attributes_are_cut_after_64_and_it_is_told_how_many() -> None:
    attributes = kept(**{f"name {number}": number for number in range(200)})
    assert attributes.pop("scope.left_out") == 136
    assert len(attributes) == 64


def test_attributes_for_which_there_is_no_room_are_counted() -> None:
    attributes = kept(**{"n" * 120 + str(number): "x" * 250 for number in range(64)})
    assert attributes["scope.left_out"] == 64 - (len(attributes) - 1) > 0


def test_as_many_large_attributes_as_fit_are_whole() -> None:
    attributes = kept(**{f"name {number}": "x" * 250 for number in range(64)})
    texts = [value for value in attributes.values() if isinstance(value, str)]
    assert 40 < len(texts) < 64
    assert set(texts) == {"x" * 250}


def test_a_long_name_is_cut() -> None:
    assert kept(**{"n" * 1000: 1}) == {"n" * 128: 1}


@pytest.mark.parametrize("size", [0, 1, 16, 8192, 100_000])
def test_the_bound_of_strings_is_the_sessions(size: int, tmp_path: Any) -> None:
    session = _core.Session(str(tmp_path / "s.seg"), max_value_bytes=size, max_attributes=3)
    _core.set_session(session)
    try:
        segment = _core.Segment(session.path)
        with span("holder", text="x" * 20_000, b=b"y" * 20_000, c=1, d=2):
            pass
        reader = _core.Correlator()
        slot = reader.add(segment, 0)
        for _ in range(3):
            reader.drain(slot)
        ((*_, blob, _, _, _),) = reader.take(1)
        segment.close()
    finally:
        session.close()
    from scope.wire.decode import decode_records

    (begin,) = (event for event in decode_records(blob) if event.type.name == "REQUEST_BEGIN")
    attributes = fields.attributes(begin)
    text = attributes.get("text")
    if size <= 16:
        assert isinstance(text, Cut)
        assert len(text.text) == size
        assert len(attributes) == 4
        assert attributes["scope.left_out"] == 1
    assert len(begin.payload) > 0


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_what_looks_secret_is_withheld_by_name_and_by_shape() -> None:
    attributes = kept(
        password="hunter2",
        nested={"api_key": "k", "fine": 1},
        text="Authorization: Bearer abcdefghijklmnopqrstuvwxyz012345",
        raw=b"password=hunter2",
        items=["token=abcdefghijklmnopqrstuvwxyz0123456789"],
    )
    assert attributes["password"] == Redacted()
    assert attributes["nested"] == {"api_key": Redacted(), "fine": 1}
    assert "abcdefghijklmnop" not in repr(attributes)
    assert "hunter2" not in repr(attributes)


@pytest.mark.parametrize(
    ("answer", "withheld"), [(lambda name: name == "mine", True), (lambda _: False, False), (lambda _: 1 / 0, True)],
    ids=["by name", "no", "fails"],
)  # fmt: skip
def test_the_application_may_add_secret_names(answer: Callable[[str], bool], withheld: bool) -> None:
    _core.set_secret_names(answer)
    try:
        assert kept(mine="value")["mine"] == (Redacted() if withheld else "value")
        assert kept(password="p")["password"] == Redacted()
    finally:
        _core.set_secret_names(None)


def test_names_of_spans_and_marks_are_masked_where_they_are_written_out() -> None:
    class Name(str):
        __slots__ = ()

    def work() -> None:
        with span(Name("login password=hunter2")):
            pass

    assert "hunter2" not in inside(work).root.children[0].name


# --- hostile values --------------------------------------------------------------------------------------------------


class Hostile:
    """Raises whatever one does with it."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


class HostileText(str):
    """A str that lies."""

    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        raise RuntimeError


class HostileList(list[int]):
    """A list that lies."""

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError

    def __getitem__(self, _: object) -> Any:
        raise RuntimeError


class HostileInt(int):
    """An int that lies."""

    def __repr__(self) -> str:
        raise RuntimeError

    def bit_length(self) -> int:
        raise RuntimeError


class HostileDecimal(decimal.Decimal):
    """Its name is not that of the standard library's."""

    def __str__(self) -> str:
        raise RuntimeError


class UUID:
    """Called as the one of the standard library."""

    def __str__(self) -> str:
        return "ran"


def test_no_code_of_a_value_runs() -> None:
    assert kept(
        one=Hostile(),
        text=HostileText("t"),
        items=HostileList([1]),
        big=HostileInt(2**70),
        d=HostileDecimal(1),
        u=UUID(),
    ) == {
        "one": ObjectName("Hostile"),
        "text": "t",
        "items": (1,),
        "big": 2**70,
        "d": ObjectName("HostileDecimal"),
        "u": ObjectName("UUID"),
    }


def test_a_list_that_changes_while_it_is_read_gives_what_was_there() -> None:
    """Its items are asked whether they are secret, and that question may change it."""
    items: list[Any] = [{"a": 1}, {"b": 2}, {"c": 3}]

    def asked(name: str) -> bool:
        if name == "a":
            items.clear()
        return False

    _core.set_secret_names(asked)
    try:
        assert kept(items=items, after=1) == {"items": ({"a": 1},), "after": 1}
    finally:
        _core.set_secret_names(None)


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(2**200), 2**200),
        st.floats(allow_nan=False),
        st.text(max_size=40),
        st.binary(max_size=40),
        st.builds(object),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(st.text(max_size=8), inner, max_size=5),
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=10), VALUES, max_size=6))
def test_whatever_is_annotated_is_read_back_under_its_name(attributes: dict[str, object]) -> None:
    def work() -> None:
        annotate(**attributes)

    names = {name.encode("utf-8", "backslashreplace").decode() for name in attributes}
    assert names <= inside(work).root.attributes.keys()
