"""The filter against a naive model, in SQL and on decoded data, and against any text at all."""

from __future__ import annotations

import operator
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scope.model import Span, SpanKind, Trace
from scope.store.filter import JSON_FIELDS, FilterError, Layout, attribute_number, attribute_text, parse
from tests.unit.views.samples import make_request, make_span, make_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# --- requests with few values, so that conditions meet some of them -------------------------------------------------

CHARACTERS = "ab[]*?'\"\\ é"
WORDS = st.text(alphabet=CHARACTERS, min_size=1, max_size=3)
NUMBERS = st.integers(0, 4)
VALUES = st.one_of(WORDS, NUMBERS, st.booleans(), st.none(), st.sampled_from([0.5, 2.5]))
KEYS = st.sampled_from(["k", "user id"])


@st.composite
def spans(draw: st.DrawFn) -> Span:
    duration_ns = draw(st.none() | NUMBERS)
    attributes = draw(st.dictionaries(KEYS, VALUES, max_size=2))
    return Span("", None, draw(WORDS), SpanKind.INTERNAL, 0, duration_ns, "ok", attributes)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    children = draw(st.lists(spans(), max_size=3))
    return make_trace(
        make_span("root", 0, 1, *children),
        path=draw(WORDS),
        route=draw(st.none() | WORDS),
        status=draw(st.none() | st.sampled_from([200, 404, 500])),
        error=draw(st.none() | st.sampled_from(["a", "b.a", "ba"])),
        state=draw(st.sampled_from(["open", "done", "aborted"])),
        duration_ns=draw(NUMBERS),
        loop_wait_ns=draw(NUMBERS),
        longest_step_ns=draw(NUMBERS),
        bytes_in=draw(NUMBERS),
        complete=draw(st.booleans()),
    )


# --- conditions: the text, and the naive meaning --------------------------------------------------------------------


@dataclass(frozen=True)
class Condition:
    text: str
    holds: Callable[[Trace], bool]

    def __repr__(self) -> str:
        return self.text


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ":": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def glob(pattern: str) -> Callable[[str], bool]:
    """Only ``*`` and ``?`` are special: brackets are put in brackets for fnmatch."""
    return lambda text: fnmatchcase(text, "".join("[[]" if each == "[" else each for each in pattern))


@st.composite
def texts(draw: st.DrawFn) -> Condition:
    field = draw(st.sampled_from(["path", "route"]))
    word = draw(WORDS)
    if draw(st.booleans()) or not word.strip(" \"'"):
        return Condition(f"{field}:{quoted(word)}", lambda trace: getattr(trace.request, field) == word)
    pattern = word.replace(" ", "").replace("'", "").replace('"', "")
    matches = glob(pattern)

    def holds(trace: Trace) -> bool:
        value = getattr(trace.request, field)
        return value is not None and matches(value)

    return Condition(f"{field}={pattern}", holds)


@st.composite
def numbers(draw: st.DrawFn) -> Condition:
    field, name, unit = draw(
        st.sampled_from(
            [
                ("duration_ns", "dur", "ns"),
                ("duration_ns", "duration_ns", ""),
                ("loop_wait_ns", "loopwait", "ns"),
                ("longest_step_ns", "step", "ns"),
                ("bytes_in", "bytes_in", "B"),
                ("status", "status", ""),
            ]
        )
    )
    sign = draw(st.sampled_from([*OPERATORS]))
    value = draw(st.sampled_from([200, 404, 500]) if field == "status" else NUMBERS)

    def holds(trace: Trace) -> bool:
        actual = getattr(trace.request, field)
        return actual is not None and OPERATORS[sign](actual, value)

    return Condition(f"{name}{sign}{value}{unit}", holds)


@st.composite
def choices(draw: st.DrawFn) -> Condition:
    state = draw(st.sampled_from(["open", "done", "aborted"]))
    if draw(st.booleans()):
        return Condition(f"state!={state}", lambda trace: trace.request.state != state)
    flag = draw(st.booleans())
    return Condition(f"complete:{str(flag).lower()}", lambda trace: trace.request.complete is flag)


@st.composite
def errors(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(["a", "b.a", "c"]))
    return Condition(f"err:{name}", lambda trace: f".{trace.request.error}".endswith(f".{name}"))


@st.composite
def of_spans(draw: st.DrawFn) -> Condition:
    """A span of some name, or of some duration, or of both, wrapped so that neighbours do not join it."""
    name, least = draw(st.none() | WORDS), draw(NUMBERS)
    long = draw(st.booleans()) or name is None
    terms = ([f"span:{quoted(name)}"] if name is not None else []) + ([f"span.dur>={least}ns"] if long else [])

    def meets(span: Span) -> bool:
        is_long = span.duration_ns is not None and span.duration_ns >= least
        return (name is None or span.name == name) and (is_long or not long)

    return Condition(f"({' '.join(terms)})", lambda trace: any(meets(span) for _, span in trace.spans()))


@st.composite
def of_attributes(draw: st.DrawFn) -> Condition:
    key, value = draw(KEYS), draw(WORDS)
    if draw(st.booleans()):
        least = draw(NUMBERS)
        return Condition(
            f"attr.{quoted(key)}>{least}", lambda trace: any(_is_above(each, least) for each in _carried(trace, key))
        )
    text = f"attr.{quoted(key)}:{quoted(value)}"
    return Condition(text, lambda trace: value in [attribute_text(each) for each in _carried(trace, key)])


def _carried(trace: Trace, key: str) -> list[Any]:
    return [span.attributes[key] for _, span in trace.spans() if key in span.attributes]


def _is_above(value: object, least: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > least


def _negation(inner: Condition) -> Condition:
    return Condition(f"-({inner.text})", lambda trace: not inner.holds(trace))


def _all(inner: Sequence[Condition]) -> Condition:
    return Condition(
        " ".join(f"({each.text})" for each in inner), lambda trace: all(each.holds(trace) for each in inner)
    )


def _any(inner: Sequence[Condition]) -> Condition:
    return Condition(
        "(" + " OR ".join(each.text for each in inner) + ")", lambda trace: any(each.holds(trace) for each in inner)
    )


LEAVES = st.one_of(texts(), numbers(), choices(), errors(), of_spans(), of_attributes())
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(_negation, inner),
        st.builds(_all, st.lists(inner, min_size=2, max_size=3)),
        st.builds(_any, st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=6,
)


# --- a store of the plainest kind -----------------------------------------------------------------------------------


def stored(trace: Trace) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE requests ({', '.join(JSON_FIELDS)})")
    connection.execute("CREATE TABLE spans (request, name)")
    connection.execute("CREATE TABLE attributes (request, key, text, number)")
    values = [getattr(trace.request, name) for name in JSON_FIELDS]
    connection.execute(f"INSERT INTO requests VALUES ({', '.join('?' * len(values))})", values)
    for _, span in trace.spans():
        connection.execute("INSERT INTO spans VALUES (1, ?)", (span.name,))
        for key, value in span.attributes.items():
            row = key, attribute_text(value), attribute_number(value)
            connection.execute("INSERT INTO attributes VALUES (1, ?, ?, ?)", row)
    return connection


def found(text: str, trace: Trace) -> bool:
    sql, values = parse(text).where(Layout())
    with closing(stored(trace)) as connection:
        row = connection.execute(f"SELECT count(*) FROM requests WHERE {sql}", values).fetchone()
    return bool(row[0])


# --- properties -----------------------------------------------------------------------------------------------------


@given(CONDITIONS, traces())
@settings(deadline=None)
def test_a_filter_on_decoded_data_means_what_the_model_says(condition: Condition, trace: Trace) -> None:
    assert parse(condition.text).matches(trace.request, lambda: trace) is condition.holds(trace)


@given(CONDITIONS, traces())
@settings(deadline=None)
def test_a_filter_in_sql_means_what_the_model_says(condition: Condition, trace: Trace) -> None:
    """Exactly where SQL can decide it alone, else it lets through at least what meets the filter."""
    if parse(condition.text).needs_trace:
        assert found(condition.text, trace) >= condition.holds(trace)
    else:
        assert found(condition.text, trace) is condition.holds(trace)


@given(st.text() | st.text(alphabet="()-:=<>!\"' ORstausdur.5m*?\\", max_size=40))
def test_any_text_is_a_filter_or_refused_with_its_place(text: str) -> None:
    try:
        parsed = parse(text)
    except FilterError as error:
        position = error.position
    else:
        position = 0
        sql, values = parsed.where(Layout())
        assert sql.count("?") == len(values)
        parsed.matches(make_request(), lambda: make_trace(make_span("root", 0, 1)))
    assert 0 <= position <= len(text)
