"""The filter grammar: what it reads, what it means and how it refuses."""

from __future__ import annotations

import dataclasses

import pytest

from scope.errors import ScopeError
from scope.model import Cut, ObjectName, Redacted, RequestSummary, Trace
from scope.store.filter import FIELDS, JSON_FIELDS, Column, FilterError, Layout, attribute_number, attribute_text, parse
from scope.store.filter.fields import lookup
from tests.unit.views.samples import START_NS, checkout, make_request, make_span, make_trace

NOW_NS = START_NS + 3600 * 1_000_000_000


def meets(text: str, trace: Trace | None = None, **fields: object) -> bool:
    """Whether a sample request with ``fields`` passes the filter."""
    request = make_request(**fields)
    return parse(text, now_ns=NOW_NS).matches(request, lambda: trace or make_trace(make_span("GET", 0, 1)))


# --- fields ---


def test_json_fields_are_exactly_those_of_a_request() -> None:
    assert list(JSON_FIELDS) == [field.name for field in dataclasses.fields(RequestSummary)]


def test_no_name_or_alias_is_given_twice() -> None:
    names = [name for field in FIELDS for name in (field.name, *field.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_has_a_sentence_for_the_reference(field: object) -> None:
    assert getattr(field, "help", "")


def test_attributes_are_fields_by_their_key() -> None:
    field = lookup("attr.user.id")
    assert field is not None
    assert field.key == "user.id"
    assert lookup("attr") is None
    assert lookup("attr.") is None


# --- meaning ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("   ", True),
        ("status:200", True),
        ("status=200", True),
        ("status!=200", False),
        ("status>199 status<201", True),
        ("status>=200 status<=200", True),
        ("status >= 201", False),
        ("status:2xx", True),
        ("status:2*", True),
        ("-status:2XX", False),
        ("status:5xx", False),
        ("status:*", True),
        ("route:/users/{id}", True),
        ("route:/users/*", True),
        ("route:/users/?id?", True),
        ('route:"/users/*"', False),
        ("path:/users/4?", True),
        ("path=/users/4?", True),
        ("path!=/users/4?", False),
        ("method:GET", True),
        ("method:get", False),
        ("kind:http", True),
        ("kind:HTTP", True),
        ("kind:*sock*", False),
        ("kind!=websocket", True),
        ("state:open OR state:done", True),
        ("state:open OR state:aborted", False),
        ("dur>11.9ms", True),
        ("dur>12ms", False),
        ("dur>=12000us", True),
        ("dur>=12000µs", True),
        ("duration_ns=12000000", True),
        ("dur>0", True),
        ("dur<1h", True),
        ("bg=0", True),
        ("bytes_out=512", True),
        ("bytes_out>0.5kB", True),
        ("bytes_out<1KiB", True),
        ("complete:true", True),
        ("complete:no", False),
        ("complete!=1", False),
        ("since:61m", True),
        ("since:59m", False),
        ("until:59m", True),
        ("since:2023-11-14T22:00:00+00:00", True),
        ("since:2023-11-15T22:00:00+00:00", False),
        (f"start_ns={START_NS}", True),
        ("start>2h", True),
        ("-(status:200 dur>1s)", True),
        ("-(status:200 dur>1ms)", False),
        ("--status:200", True),
        ("status:404 OR dur>1ms dur<1s", True),
        ("(status:404 OR dur>1ms) dur>1s", False),
        ("status:404 OR (dur>1ms dur<1s)", True),
        ("id:4f1c*", True),
        ("trace:4f1c09abd2e84c7f9e0b6a7d8c5e3f21", True),
        ("service:'shop'", True),
    ],
)
def test_a_condition_means_what_it_says(text: str, expected: bool) -> None:
    assert meets(text) is expected


def test_a_missing_value_meets_no_comparison_and_differs_from_every_value() -> None:
    assert not meets("status>=0", status=None)
    assert not meets("status:*", status=None)
    assert not meets("route:*", route=None)
    assert meets("-route:*", route=None)
    assert meets("status!=200", status=None)
    assert meets("-status:200", status=None)


@pytest.mark.parametrize("text", ["err:Timeout*", "err:TimeoutError", "err:asyncio.TimeoutError", "error:*.Timeout*"])
def test_an_error_is_found_with_or_without_its_module(text: str) -> None:
    assert meets(text, error="asyncio.TimeoutError")
    assert not meets(text, error="NotATimeoutErrorAtAll")
    assert not meets(text, error=None)


def test_a_quoted_error_is_literal() -> None:
    assert meets('err:"a*b"', error="module.a*b")
    assert not meets('err:"a*b"', error="module.axb")


def test_brackets_and_braces_are_characters_like_any_other() -> None:
    assert meets("path:/a[1]*", path="/a[1]/b")
    assert not meets("path:/a[1]*", path="/a1/b")


def test_quotes_hold_blanks_parentheses_and_escaped_quotes() -> None:
    assert meets(r'path:"/a \"b\" (\\) OR c"', path='/a "b" (\\) OR c')
    assert meets(r'path:"/a\b"', path=r"/a\b")
    assert meets('path:""', path="")


def test_a_value_keeps_parentheses_of_its_own() -> None:
    assert meets("(path:f(x))", path="f(x)")


def test_spans_are_found_by_name_and_by_duration() -> None:
    trace = checkout()
    assert meets("span:SELECT*", trace)
    assert meets("span.name:smtp", trace)
    assert not meets("span:nothing", trace)
    assert meets("span.dur>=408ms", trace)
    assert not meets("span.dur>10s", trace)
    assert meets("span.dur=408ms", trace)


def test_conditions_side_by_side_are_about_one_span() -> None:
    trace = checkout()
    assert meets("span:smtp span.dur>79ms", trace)
    assert meets("span.dur>79ms span:smtp", trace)
    assert not meets("span:render span.dur>79ms", trace)
    assert meets("(span:render) (span.dur>79ms)", trace)
    assert not meets("span:render span.dur>79ms span:smtp", trace)
    assert meets("span:render span:smtp span.dur>79ms", trace)


def test_a_negated_span_condition_is_about_every_span() -> None:
    trace = checkout()
    assert not meets("-span.dur>400ms", trace)
    assert meets("-span.dur>10s", trace)
    assert not meets("span!=smtp", trace)
    assert meets("span!=nothing", trace)
    assert not meets("-(span:smtp span.dur>79ms)", trace)


def test_open_spans_have_no_duration() -> None:
    trace = make_trace(make_span("GET", 0, None, make_span("wait", 1, None)))
    assert not meets("span:wait span.dur>=0", trace)


def test_attributes_of_any_span_are_compared_as_text_or_as_numbers() -> None:
    trace = make_trace(make_span("GET", 0, 1, make_span("a", 0, 1, attributes={"n": 5, "user id": "ann", "ok": True})))
    assert meets("attr.n:5", trace)
    assert meets("attr.n>4", trace)
    assert meets("attr.n<5.5", trace)
    assert not meets("attr.n>5", trace)
    assert meets('attr."user id":a*', trace)
    assert not meets('attr."user id">3', trace)
    assert meets("attr.ok:true", trace)
    assert not meets("attr.ok>0", trace)
    assert meets("attr.n!=6", trace)
    assert not meets("attr.absent:*", trace)
    assert meets("-attr.absent:*", trace)


def test_the_text_and_number_of_an_attribute() -> None:
    values = [None, True, False, "x", 7, 0.5, Cut("abc", 9), Redacted(), ObjectName("io.T"), (1,), {"a": 1}, b"x"]
    texts = ["null", "true", "false", "x", "7", "0.5", "abc", None, None, None, None, None]
    assert [attribute_text(value) for value in values] == texts
    assert [attribute_number(value) for value in values] == [None] * 4 + [7, 0.5] + [None] * 6


def test_the_trace_is_only_asked_for_where_it_matters() -> None:
    def refuse() -> Trace:
        raise AssertionError

    assert parse("status:200 dur>1ms").matches(make_request(), refuse)
    assert not parse("status:200").needs_trace
    assert not parse("span:a attr.b:1 -kind:http").needs_trace
    assert parse("status:200 OR -(span.dur>1s kind:http)").needs_trace


def test_a_filter_is_frozen_and_equal_by_value() -> None:
    assert parse("dur>1s", now_ns=1) == parse("dur>1s", now_ns=2)
    assert parse("since:1s", now_ns=10**18) != parse("since:1s", now_ns=2 * 10**18)


def test_the_clock_is_read_when_no_time_is_given() -> None:
    assert not parse("since:1m").matches(make_request(), checkout)


# --- SQL ---


def test_values_are_bound_never_spliced() -> None:
    sql, values = parse("path:\"' OR 1 --\" attr.\"k'\":v span:'s;' -err:x", now_ns=NOW_NS).where(Layout())
    assert "'" not in sql
    assert "--" not in sql
    assert values == ("' OR 1 --", "k'", "v", "x", "*.x", "s;")
    assert sql.count("?") == len(values)


def trace_bytes(text: str | float) -> bytes | None:
    return bytes.fromhex(str(text)) if len(str(text)) == 32 else None


def test_a_layout_can_compare_a_compact_form() -> None:
    columns = {
        "trace_id": Column("lower(hex(trace))", "trace", trace_bytes),
        "state": Column("state", encode=lambda state: ["open", "done", "aborted"].index(str(state))),
    }
    layout = Layout(columns=columns)
    trace_id = "4f1c09abd2e84c7f9e0b6a7d8c5e3f21"
    assert parse(f"trace_id:{trace_id}").where(layout) == ("trace = ?", (bytes.fromhex(trace_id),))
    assert parse("trace_id:4f1c").where(layout) == ("0", ())
    assert parse("-trace_id:4f1c").where(layout) == ("(0) IS NOT 1", ())
    assert parse("trace_id:4f*").where(layout) == ("lower(hex(trace)) GLOB ?", ("4f*",))
    assert parse("state:*e*").where(layout) == ("state IN (?, ?, ?)", (0, 1, 2))


def test_what_sql_cannot_tell_is_let_through_either_way() -> None:
    assert parse("span.dur>1s").where(Layout()) == ("1", ())
    assert parse("-span.dur>1s").where(Layout()) == ("1", ())
    assert "spans.name = ?" in parse("span:a span.dur>1s").where(Layout())[0]
    assert parse("-(span:a span.dur>1s)").where(Layout()) == ("1", ())


def test_an_empty_filter_is_true_in_sql() -> None:
    assert parse("").where(Layout()) == ("1", ())


# --- refusal ---


@pytest.mark.parametrize(
    ("text", "position", "length", "message"),
    [
        ("stauts>=500", 0, 6, "did you mean 'status'?"),
        ("dur>1s Route:/a", 7, 5, "did you mean 'route'?"),
        ("zzz:1", 0, 3, "fields are id, trace_id"),
        ("loopwait>50", 9, 2, "needs a unit"),
        ("attr.:1", 0, 5, "unknown field 'attr.'"),
        ("dur>200", 4, 3, "needs a unit"),
        ("dur>5parsecs", 4, 8, "write it like 200ms"),
        ("dur>-5ms", 4, 4, "not understood"),
        ("bytes_in>5ms", 9, 3, "write it like 512"),
        ("status>=abc", 8, 3, "no whole number"),
        ("status:99999999999999999999", 7, 20, "too large"),
        ("bytes_in>9999999999GB", 9, 12, "too large"),
        ("state:opne", 6, 4, "none of open, done, aborted"),
        ("complete:maybe", 9, 5, "neither true nor false"),
        ("since:yesterday", 6, 9, "no time"),
        ("since>5m", 6, 2, "takes no >"),
        ("since!=5m", 7, 2, "takes no !="),
        ("path>x", 5, 1, "takes no >"),
        ("attr.n>x", 7, 1, "no number"),
        ("attr.n>nan", 7, 3, "no number"),
        ("status:", 7, 1, "a value is missing after status:"),
        ("(status:)", 8, 1, "a value is missing after status:"),
        ("status", 0, 6, "write field:value"),
        ("timeout dur>1s", 0, 7, "path:*timeout*"),
        ("dur>1s AND status:5xx", 7, 3, "terms side by side are AND"),
        ("dur>1s or status:5xx", 7, 2, "joined with OR"),
        (":5", 0, 2, "no condition"),
        ("(dur>1s", 0, 1, "never closed"),
        ("dur>1s)", 6, 1, "never opened"),
        ("()", 1, 1, "condition is missing"),
        ("dur>1s OR", 9, 1, "condition is missing"),
        ("OR dur>1s", 0, 1, "condition is missing"),
        ("-", 1, 1, "condition is missing"),
        ('path:"abc', 5, 1, "lacks its closing"),
        ('attr."abc', 5, 1, "lacks its closing"),
        ("(" * 40 + "dur>1s" + ")" * 40, 32, 1, "more than 32 deep"),
        ("dur>1s " * 201, 1400, 1, "more than 200 conditions"),
        ("path:" + "x" * 5000, 0, 1, "longer than 4096"),
    ],
)
def test_a_refusal_names_the_place_and_what_to_do(text: str, position: int, length: int, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    error = caught.value
    assert (error.position, error.length) == (position, length)
    assert message in str(error)
    assert f"at character {position + 1}" in str(error)
    assert isinstance(error, ScopeError)


def test_the_pointer_stands_below_the_place() -> None:
    with pytest.raises(FilterError) as caught:
        parse("dur>1s\tstauts:5")
    assert caught.value.pointer() == "dur>1s stauts:5\n       ^^^^^^"
