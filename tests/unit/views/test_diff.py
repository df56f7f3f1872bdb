"""Two traces laid over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from scope.model import LeftOut
from scope.views.diff import Side, changed_places, diff_traces
from scope.views.difftext import diff_lines
from scope.views.lines import plain
from tests.unit.views.samples import MS, make_span, make_trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from scope.model import Span, Trace
    from scope.views.diff import Aligned, TraceDiff


def product(*below: Span, **fields: Any) -> Trace:
    return make_trace(make_span("GET /products/{id}", 0, 100, *below, kind="SERVER"), **fields)


def query(start_ms: float, duration_ms: float, **more: Any) -> Span:
    return make_span("SELECT author", start_ms, duration_ms, kind="DATABASE", **more)


def place(diff: TraceDiff, name: str) -> Aligned:
    [found] = [each for each in diff.places if each.name == name]
    return found


def test_calls_and_times_of_a_name_below_the_same_way_are_added_up() -> None:
    a = product(make_span("load", 0, 50, query(1, 4), query(6, 6)))
    b = product(make_span("load", 0, 90, *(query(number, 2) for number in range(12))), query(95, 1))
    diff = diff_traces(a, b)
    assert [(each.depth, each.name, each.a.calls, each.b.calls) for each in diff.places] == [
        (0, "GET /products/{id}", 1, 1),
        (1, "load", 1, 1),
        (2, "SELECT author", 2, 12),
        (1, "SELECT author", 0, 1),
    ]
    load = place(diff, "load")
    assert (load.a, load.b) == (Side(1, 0, 50 * MS, 40 * MS), Side(1, 0, 90 * MS, 66 * MS))
    assert (load.change_ns, load.is_different) == (40 * MS, False)
    assert diff.is_different


def test_what_runs_side_by_side_for_longer_leaves_no_time_of_its_own() -> None:
    trace = product(make_span("gather", 0, 10, query(0, 9), query(0, 9)))
    assert place(diff_traces(trace, trace), "gather").a.self_ns == 0


def test_other_times_make_no_difference_but_other_failures_do() -> None:
    same = diff_traces(product(query(0, 1)), product(query(0, 50)))
    failed = diff_traces(product(query(0, 1)), product(query(0, 1, status="error")))
    assert (same.is_different, failed.is_different) == (False, True)
    assert place(failed, "SELECT author").b.failed == 1


def test_another_end_makes_a_difference() -> None:
    for fields in ({"status": 500}, {"outcome": "cancelled"}, {"error": "shop.Declined"}):
        assert diff_traces(product(), product(**fields)).is_different


def test_the_roots_are_one_place_whatever_their_names() -> None:
    diff = diff_traces(product(), make_trace(make_span("GET /basket", 0, 5, kind="SERVER")))
    assert [(each.name, each.a.calls, each.b.calls) for each in diff.places] == [("request", 1, 1)]


def test_places_that_changed_come_with_the_way_to_them() -> None:
    a = product(make_span("load", 0, 50, query(1, 4)), make_span("render", 60, 5))
    b = product(make_span("load", 0, 50, query(1, 4), query(6, 4)), make_span("render", 60, 5))
    diff = diff_traces(a, b)
    assert {diff.places[index].name for index in changed_places(diff, MS)} == {
        "GET /products/{id}",
        "load",
        "SELECT author",
    }
    assert changed_places(diff_traces(a, a), MS) == frozenset()


def test_a_trace_as_deep_as_it_is_large_is_compared() -> None:
    span = make_span("leaf", 0, 1)
    for _ in range(3000):
        span = make_span("call", 0, 1, span)
    trace = product(span)
    assert len(diff_traces(trace, trace).places) == 3002


trees = st.recursive(
    st.builds(lambda name: lambda: make_span(name, 0, 1), st.sampled_from("abc")),
    lambda inner: st.builds(
        lambda name, below: lambda: make_span(name, 0, 9, *(each() for each in below)),
        st.sampled_from("abc"),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@given(trees, trees)
def test_every_span_is_counted_once_and_the_other_way_round_is_the_mirror_image(
    first: Callable[[], Span], second: Callable[[], Span]
) -> None:
    a, b = product(first()), product(second())
    diff, mirrored = diff_traces(a, b), diff_traces(b, a)
    assert sum(each.a.calls for each in diff.places) == len(list(a.spans()))
    assert sum(each.b.calls for each in diff.places) == len(list(b.spans()))
    assert diff.is_different is mirrored.is_different
    assert not diff_traces(a, a).is_different
    counted = sorted((each.depth, each.name, each.a.calls, each.b.calls) for each in diff.places)
    assert counted == sorted((each.depth, each.name, each.b.calls, each.a.calls) for each in mirrored.places)


def test_text_shows_both_requests_and_the_table() -> None:
    a = product(make_span("load", 0, 50, query(1, 4)), id="first")
    b = product(make_span("load", 0, 50, query(1, 4), query(6, 4, status="error")), id="second", status=500)
    assert [plain(each) for each in diff_lines(diff_traces(a, b), None, everything=False)] == [
        "a  GET /users/{id}  200  100 ms  id first",
        "b  GET /users/{id}  500  100 ms  id second",
        "",
        "a             b  time a  time b  change",
        "1             1  100 ms  100 ms    0 ns  GET /products/{id}",
        "1             1   50 ms   50 ms    0 ns    load",
        "1  2 (1 failed)    4 ms    8 ms   +4 ms      SELECT author",
    ]


def test_text_of_equal_traces_says_so_and_shows_them_where_asked() -> None:
    diff = diff_traces(product(query(0, 1)), product(query(0, 1)))
    brief = [plain(each) for each in diff_lines(diff, None, everything=False)]
    assert brief[2:] == ["", "no difference: the same calls, the same failures"]
    assert any("SELECT author" in plain(each) for each in diff_lines(diff, None, everything=True))


def test_text_says_what_was_not_read_or_not_recorded() -> None:
    cut = make_trace(make_span("GET /", 0, 1, kind="SERVER"), complete=False, lost=3)
    cut = type(cut)(cut.request, cut.root, left_out=LeftOut(spans=7))
    text = "\n".join(plain(each) for each in diff_lines(diff_traces(cut, cut), None, everything=False))
    assert "not all spans were read" in text
    assert "incomplete: 3 events were lost" in text
