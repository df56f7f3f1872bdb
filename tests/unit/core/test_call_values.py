"""What is captured of values that nobody chose to record: of any type, within bounds, without code of theirs."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import sys
import uuid
import zoneinfo
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scope import _core
from scope.capture.never_types import never_types
from scope.model import AttributeValue, CallValues, Cut, EventType, Instance, ObjectName, Part, Redacted
from scope.testing import captured
from tests.unit.instrument.transform.twins import PLANS, twins

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = "def given(value): return None\ndef named(**values): return None\n"


@pytest.fixture(scope="module")
def module() -> Any:
    return twins(SOURCE, plan=PLANS["values"])[1]


def values_of(module: Any, value: object) -> CallValues:
    with captured() as capture:
        request = _core.begin_request({"type": "http", "method": "GET", "path": "/", "headers": []}, b"x-id", False)
        assert request is not None
        before = request.activate()
        module.given(value)
        request.deactivate(before)
        request.end(0)
        (call,) = capture.trace().root.children
    assert call.values is not None
    return call.values


def kept(module: Any, value: object) -> AttributeValue:
    arguments = values_of(module, value).arguments
    assert arguments is not None
    return arguments["value"]


class Color(enum.Enum):
    RED = 1


class Word(str):
    __slots__ = ()

    def __getitem__(self, key: Any) -> str:
        raise AssertionError("never asked")


@dataclasses.dataclass(slots=True)
class Point:
    left: int
    right: int


class Base:
    __slots__ = ("deep",)

    def __init__(self) -> None:
        self.deep = 1


class Derived(Base):
    def __init__(self) -> None:
        super().__init__()
        self.own = 2


class Fails(Exception):
    pass


class Hostile:
    """Everything that could be asked of it raises."""

    def __init__(self) -> None:
        object.__setattr__(self, "note", "x")

    def _asked(self, *_: object) -> Any:
        raise AssertionError("never asked")

    __repr__ = __str__ = __getattribute__ = __hash__ = __eq__ = __len__ = __iter__ = __bool__ = _asked


EXAMPLES: list[tuple[object, object]] = [
    ({1}, (1,)),
    (frozenset({"a"}), ("a",)),
    ({1: "a", b"k": "b", None: "c", (1, 2): "d"}, {"1": "a", "k": "b", "<NoneType>": "c", "<tuple>": "d"}),
    (Color.RED, ObjectName("Color.RED")),
    (Word("tea"), "tea"),
    (Point(1, 2), Instance("Point", {"left": 1, "right": 2})),
    (Derived(), Instance("Derived", {"deep": 1, "own": 2})),
    (Hostile(), Instance("Hostile", {"note": "x"})),
    (Fails("no", 3), Instance("Fails", {"args": ("no", 3)})),
    (ValueError("no"), Instance("ValueError", {"args": ("no",)})),
    (Point, ObjectName("type")),
    (sys, ObjectName("module")),
    (len, ObjectName("builtin_function_or_method")),
    (collections.deque([1]), ObjectName("collections.deque")),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (uuid.UUID(int=(1 << 128) - 1), "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    (decimal.Decimal("1.50"), "1.50"),
    (dt.date(2024, 2, 29), "2024-02-29"),
    (dt.datetime(2024, 2, 29, 1, 2, tzinfo=dt.UTC), "2024-02-29 01:02:00+00:00"),
    (pathlib.PurePosixPath("/srv/shop"), "/srv/shop"),
    (pathlib.PurePosixPath("a/b"), "a/b"),
    (4111111111111111, Redacted()),
    (4111111111111112, 4111111111111112),
    (
        [("cookie", "a=b"), (b"X-Api-Key", b"k"), ("size", 3)],
        (("cookie", Redacted()), (b"X-Api-Key", Redacted()), ("size", 3)),
    ),
    (["run", "--password", "x", "--verbose"], ("run", "--password", Redacted(), "--verbose")),
]


@pytest.mark.parametrize(("value", "expected"), EXAMPLES, ids=[str(number) for number in range(len(EXAMPLES))])
def test_values_of_many_types_are_shown(module: Any, value: object, expected: object) -> None:
    assert kept(module, value) == expected


class Zone(dt.tzinfo):
    def utcoffset(self, _: Any) -> Any:
        raise AssertionError("never asked")

    tzname = dst = utcoffset


def test_a_date_in_a_time_zone_of_the_applications_is_told_without_it(module: Any) -> None:
    assert kept(module, dt.datetime(2024, 2, 29, 1, 2, tzinfo=Zone())) == "2024-02-29 01:02:00"
    told = kept(module, dt.datetime(2024, 2, 29, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")))
    assert str(told).startswith("2024-02-29 01:02:00")


def test_nesting_is_followed_four_deep(module: Any) -> None:
    assert kept(module, [[[[[1]]]]]) == ((((ObjectName("list"),),),),)
    assert kept(module, {"a": {"b": {"c": {"d": {}}}}}) == {"a": {"b": {"c": {"d": ObjectName("dict")}}}}


def test_what_contains_itself_ends(module: Any) -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert kept(module, loop) == ((((ObjectName("list"),),),),)


def test_of_much_a_part_is_kept_that_says_so(module: Any) -> None:
    assert kept(module, {str(number): number for number in range(50)}) == Part({str(n): n for n in range(32)}, 50)
    many = kept(module, set(range(100)))
    assert isinstance(many, Part)
    assert (len(many.items), many.length) == (32, 100)
    wide = kept(module, SimpleNamespace(**{f"a{number}": number for number in range(40)}))
    assert wide == ObjectName("types.SimpleNamespace")
    owned = type("Wide", (), {})()
    vars(owned).update({f"a{number}": number for number in range(40)})
    shown = kept(module, owned)
    assert isinstance(shown, Instance)
    assert (len(shown.attributes), shown.is_part) == (32, True)


def test_a_value_keeps_within_its_bytes(module: Any) -> None:
    texts = kept(module, ["x" * 100 for _ in range(32)])
    assert isinstance(texts, Part)
    assert 8 <= len(texts.items) <= 10
    assert texts.length == 32
    whole = kept(module, "y" * 1000)
    assert whole == Cut("y" * 256, 1000)


@pytest.fixture
def small() -> Iterator[None]:
    _core.set_value_limits(64, 256)
    yield
    _core.set_value_limits(1024, 4096)


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300), st.binary(max_size=300),
        st.uuids(), st.decimals(), st.datetimes(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=40),
        st.dictionaries(st.one_of(st.text(max_size=50), st.integers()), inner, max_size=40),
        st.builds(Point, inner, inner),
        st.tuples(inner, inner),
    ),
    max_leaves=60,
)  # fmt: skip


@pytest.mark.usefixtures("small")
@settings(max_examples=200, deadline=None)
@given(values=st.dictionaries(st.text(min_size=1, max_size=20), VALUES, max_size=8))
def test_whatever_is_passed_the_record_is_sound_and_bounded(module: Any, values: dict[str, object]) -> None:
    with captured() as capture:
        request = _core.begin_request({"type": "http", "method": "GET", "path": "/", "headers": []}, b"x-id", False)
        assert request is not None
        before = request.activate()
        module.named(**values)
        request.deactivate(before)
        request.end(0)
        first = next(event for event in capture.events() if event.type is EventType.VALUES)
        (call,) = capture.trace().root.children
    assert call.values is not None
    arguments = call.values.arguments
    assert arguments is not None
    assert set(arguments) <= {"values"}
    assert first.payload["left_out"] in (0, 1)


def test_limits_are_checked() -> None:
    for limits in ((63, 256), (64, 255), (64, 12289)):
        with pytest.raises(ValueError, match="at least 64 and 256 bytes, at most 12288"):
            _core.set_value_limits(*limits)


class Token:
    def __init__(self) -> None:
        self.note = "x"


class Derivate(Token):
    pass


class Secretive(str):
    __slots__ = ()


def test_values_of_types_made_to_hold_secrets_are_withheld(module: Any) -> None:
    kind = type("SecretStr", (), {"__module__": "pydantic.types"})
    assert kept(module, kind()) == Redacted()
    assert kept(module, [type("Child", (kind,), {})()]) == (Redacted(),)
    assert kept(module, type("SecretStr", (), {"__module__": "pydantically"})()) == Instance("SecretStr", {})


def test_types_are_withheld_by_name_along_their_bases() -> None:
    try:
        with captured() as capture:
            _core.set_never_types(never_types([f"{__name__.partition('.')[0]}.Token", f"{__name__}.Secretive"]))
            request = _core.begin_request({"type": "http", "method": "GET", "path": "/", "headers": []}, b"x", False)
            assert request is not None
            before = request.activate()
            _core.annotate(token_of=Token(), child=[Derivate()], text=Secretive("x"), other="y")
            request.deactivate(before)
            request.end(0)
            attributes = capture.trace().root.attributes
    finally:
        _core.set_never_types(never_types())
    assert attributes["token_of"] == Redacted()
    assert attributes["child"] == (Redacted(),)
    assert attributes["text"] == Redacted()
    assert attributes["other"] == "y"


@pytest.mark.parametrize("types", [[], {1: ()}, {"a": []}, {"a": (1,)}])
def test_types_are_told_as_a_dict_of_modules(types: Any) -> None:
    with pytest.raises(TypeError, match="a dict from names to tuples of modules"):
        _core.set_never_types(types)
