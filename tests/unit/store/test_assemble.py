"""A request's events become one tree, exact where all are there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scope.model import (
    Event,
    EventType,
    Frame,
    Mark,
    Outcome,
    SpanKind,
)
from scope.wire.ids import span_id
from tests.unit.store.tree import (
    OFFSET_NS,
    REQUEST,
    ROOT_ID,
    annotation,
    begin,
    end,
    enter,
    exception,
    lane,
    leave,
    names,
    only,
    tree,
)

# --- the root --------------------------------------------------------------------------------------------------------


def test_root_is_the_request_under_the_names_of_opentelemetry() -> None:
    begun = Event(EventType.REQUEST_BEGIN, 100, 9, 1, payload={"attributes": {"network.protocol.version": "1.1"}})
    trace = tree(lane("MainThread"), begun, annotation(1, 300, tenant="acme"))
    root = trace.root
    assert trace.request is REQUEST
    assert (root.name, root.kind, root.status) == ("GET /users/{id}", SpanKind.SERVER, "ok")
    assert (root.span_id, root.parent_id, root.thread) == ("0123456789abcdef", None, "MainThread")
    assert (root.start_ns, root.duration_ns) == (OFFSET_NS + 100, 800)
    assert root.attributes == {
        "http.request.method": "GET",
        "url.path": "/users/7",
        "http.route": "/users/{id}",
        "http.response.status_code": 200,
        "http.response.body.size": 42,
        "network.protocol.version": "1.1",
        "tenant": "acme",
    }


@pytest.mark.parametrize(
    ("kind", "method", "path", "route", "name", "span_kind"),
    [
        ("http", "GET", "/users/7", "/users/{id}", "GET /users/{id}", SpanKind.SERVER),
        ("http", "POST", "/nowhere", None, "POST /nowhere", SpanKind.SERVER),
        ("websocket", "", "/chat", "/chat/{room}", "WEBSOCKET /chat/{room}", SpanKind.SERVER),
        ("lifespan", "", "", None, "lifespan", SpanKind.SERVER),
        ("task", "", "nightly report", None, "nightly report", SpanKind.INTERNAL),
        ("task", "", "", None, "task", SpanKind.INTERNAL),
        ("", "", "", None, "(unnamed)", SpanKind.SERVER),
    ],
)
def test_root_is_named_by_what_it_is(
    kind: str, method: str, path: str, route: str | None, name: str, span_kind: SpanKind
) -> None:
    request = replace(REQUEST, kind=kind, method=method, path=path, route=route)
    assert (tree(request=request).root.name, tree(request=request).root.kind) == (name, span_kind)


def test_task_is_named_by_its_definition() -> None:
    begun = Event(EventType.REQUEST_BEGIN, 100, 9, 1, site=1)
    assert tree(begun, request=replace(REQUEST, kind="task")).root.name == "load basket"


def test_task_says_of_itself_only_how_it_failed() -> None:
    failed = replace(REQUEST, kind="task", outcome="exception", error="ValueError")
    assert tree(request=failed).root.attributes == {"error.type": "ValueError"}
    assert tree(request=replace(REQUEST, kind="task")).root.attributes == {}


@pytest.mark.parametrize(
    ("site", "template", "route"), [(3, "", "/items/{item}"), (0, "/inline/{id}", "/inline/{id}"), (77, "", None)]
)
def test_route_of_an_event_stands_in_where_the_summary_has_none(site: int, template: str, route: str | None) -> None:
    routed = Event(EventType.REQUEST_ROUTE, 200, 9, 1, site=site, payload={"template": template})
    root = tree(routed, request=replace(REQUEST, route=None)).root
    assert root.attributes.get("http.route") == route


@pytest.mark.parametrize(
    ("state", "outcome", "status_code", "status"),
    [
        ("done", "ok", 200, "ok"),
        ("done", "ok", 404, "ok"),
        ("done", "ok", 503, "error"),
        ("done", "exception", 500, "error"),
        ("done", "exception", None, "error"),
        ("done", "cancelled", None, "cancelled"),
        ("done", "disconnected", 200, "cancelled"),
        ("open", "ok", None, "open"),
        ("aborted", "ok", None, "cancelled"),
    ],
)
def test_root_status_tells_how_the_request_ended(
    state: str, outcome: str, status_code: int | None, status: str
) -> None:
    request = replace(REQUEST, state=state, outcome=outcome, status=status_code)
    assert tree(request=request).root.status == status


@pytest.mark.parametrize("state", ["open", "aborted"])
def test_root_without_an_end_has_no_duration(state: str) -> None:
    assert tree(request=replace(REQUEST, state=state)).root.duration_ns is None


def test_open_request_whose_last_byte_is_sent_has_the_duration_of_its_response() -> None:
    sent = Event(EventType.RESPONSE_END, 900, 9, 1)
    assert tree(sent, request=replace(REQUEST, state="open")).root.duration_ns == 800


def test_request_without_a_beginning_still_has_a_root() -> None:
    """Its ids went with the record that was lost."""
    trace = tree(begin(2, 1, 300, "a"), request=replace(REQUEST, span_id="", kind=""))
    assert [span.name for _, span in trace.spans()] == ["GET /users/{id}", "a"]
    assert only(trace).span_id == f"{span_id(0, 2):016x}"


# --- spans -----------------------------------------------------------------------------------------------------------


def test_spans_nest_by_their_parents_with_ids_times_and_kinds() -> None:
    trace = tree(
        lane("MainThread"),
        begin(2, 1, 200, site=1, kind=SpanKind.DEPENDENCY),
        begin(3, 2, 300, "query", kind=SpanKind.DATABASE),
        end(3, 450, rows=7),
        end(2, 600),
    )
    outer = only(trace)
    (inner,) = outer.children
    assert (outer.name, outer.kind, outer.thread, outer.status) == (
        "load basket",
        SpanKind.DEPENDENCY,
        "MainThread",
        "ok",
    )
    assert (outer.span_id, outer.parent_id) == (f"{span_id(ROOT_ID, 2):016x}", trace.root.span_id)
    assert (inner.name, inner.kind, inner.attributes) == ("query", SpanKind.DATABASE, {"rows": 7})
    assert (inner.span_id, inner.parent_id) == (f"{span_id(ROOT_ID, 3):016x}", outer.span_id)
    assert (inner.start_ns, inner.duration_ns) == (OFFSET_NS + 300, 150)


def test_function_span_has_its_qualified_name_and_its_place_in_the_source() -> None:
    span = only(tree(enter(2, 1, 200), leave(2, 260)))
    assert (span.name, span.kind, span.file, span.line) == ("Shop.price", SpanKind.FUNCTION, "/srv/shop/prices.py", 31)
    assert (span.duration_ns, span.status) == (60, "ok")


def test_generator_outlives_the_function_that_made_it() -> None:
    """It stays the child of who called it first, and is not cut to its parent's length."""
    trace = tree(enter(2, 1, 200), enter(3, 2, 210, site=4), leave(2, 250), leave(3, 700))
    maker = only(trace)
    (generator,) = maker.children
    assert (generator.name, generator.duration_ns) == ("rows", 490)
    assert maker.duration_ns == 50


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.OK, "ok"),
        (Outcome.EXCEPTION, "error"),
        (Outcome.CANCELLED, "cancelled"),
        (Outcome.DISCONNECTED, "cancelled"),
        (200, "ok"),
    ],
)
def test_outcome_of_the_end_is_the_status(outcome: int, status: str) -> None:
    assert only(tree(enter(2, 1, 200), leave(2, 300, outcome))).status == status
    assert only(tree(begin(2, 1, 200), end(2, 300, outcome))).status == status


@pytest.mark.parametrize(("state", "status"), [("open", "open"), ("aborted", "cancelled"), ("done", "open")])
def test_span_without_an_end_is_open_or_was_cut_off_with_its_process(state: str, status: str) -> None:
    span = only(tree(enter(2, 1, 200), request=replace(REQUEST, state=state)))
    assert (span.status, span.duration_ns) == (status, None)


def test_span_that_an_exception_left_is_an_error_though_its_end_is_missing() -> None:
    assert only(tree(enter(2, 1, 200), exception(2, 250, "KeyError"))).status == "error"
    handled = tree(enter(2, 1, 200), exception(2, 250, "KeyError", escaped=False))
    assert only(handled).status == "open"


def test_siblings_are_in_order_of_start_across_threads() -> None:
    trace = tree(
        lane("MainThread", 1),
        enter(2, 1, 200),
        enter(4, 1, 500),
        lane("worker", 2),
        begin(3, 1, 300, "threaded"),
        end(3, 400),
        lane("MainThread", 1),
        leave(4, 600),
        leave(2, 210),
    )
    assert names(trace.root) == ["Shop.price", "threaded", "Shop.price"]
    assert [child.thread for child in trace.root.children] == ["MainThread", "worker", "MainThread"]


def test_background_work_hangs_below_the_root_and_the_root_ends_at_the_last_byte() -> None:
    trace = tree(
        Event(EventType.RESPONSE_END, 900, 9, 1),
        begin(2, 1, 950, "mail", kind=SpanKind.BACKGROUND),
        end(2, 5000),
        Event(EventType.REQUEST_END, 5100, 9, 1),
        request=replace(REQUEST, background_ns=4200),
    )
    mail = only(trace)
    assert (mail.kind, mail.parent_id, mail.duration_ns) == (SpanKind.BACKGROUND, trace.root.span_id, 4050)
    assert trace.root.duration_ns == 800


def test_within_a_lane_what_was_written_last_counts_whatever_the_clock_says() -> None:
    trace = tree(lane("MainThread"), annotation(1, 300, step="first"), annotation(1, 290, step="second"))
    assert trace.root.attributes["step"] == "second"


def test_across_lanes_time_decides() -> None:
    trace = tree(
        lane("MainThread", 1),
        annotation(1, 300, step="late"),
        lane("worker", 2),
        annotation(1, 200, step="early"),
    )
    assert trace.root.attributes["step"] == "late"


def test_gap_does_not_move_the_events_of_the_lane_it_stands_in() -> None:
    """Its time is the collector's, not the lane's."""
    gap = Event(EventType.GAP, 9000, payload={"lost": 3, "reason": 0})
    trace = tree(
        lane("MainThread", 1), gap, annotation(1, 200, step="early"), lane("worker", 2), annotation(1, 300, step="late")
    )
    assert trace.root.attributes["step"] == "late"


def test_late_piece_finds_its_place() -> None:
    trace = tree(
        lane("MainThread"), enter(2, 1, 200), leave(2, 800), lane("worker", 2), enter(3, 2, 300), leave(3, 400)
    )
    assert names(only(trace)) == ["Shop.price"]


def test_annotations_of_a_span_and_of_its_end_are_its_attributes() -> None:
    span = only(tree(begin(2, 1, 200, "a"), annotation(2, 250, step=1, user="x"), end(2, 300, step=2)))
    assert span.attributes == {"step": 2, "user": "x"}


def test_marks_are_moments_of_their_span_in_order_of_time() -> None:
    def mark(time_ns: int, name: str, site: int = 0) -> Event:
        return Event(EventType.MARK, time_ns, 9, 2, site=site, payload={"name": name, "attributes": {"n": time_ns}})

    span = only(tree(begin(2, 1, 200, "a"), mark(280, "retry"), mark(240, "", site=1), mark(260, ""), end(2, 300)))
    assert span.marks == (
        Mark("load basket", OFFSET_NS + 240, {"n": 240}),
        Mark("(unnamed)", OFFSET_NS + 260, {"n": 260}),
        Mark("retry", OFFSET_NS + 280, {"n": 280}),
    )


def test_a_pause_for_garbage_collection_is_a_mark_of_its_span_where_it_began() -> None:
    told = {"lasted_ns": 300, "generation": 2, "collected": 9}
    [mark] = tree(Event(EventType.GC_PAUSE, 1_400, 9, 1, payload=told)).root.marks
    assert (mark.name, mark.time_ns) == ("garbage collection", OFFSET_NS + 1_100)
    assert mark.attributes == {"gc.duration_ns": 300, "gc.generation": 2, "gc.collected": 9}


def test_disconnect_of_the_client_is_a_mark_of_the_root() -> None:
    trace = tree(Event(EventType.DISCONNECT, 500, 9, 1))
    assert trace.root.marks == (Mark("client disconnected", OFFSET_NS + 500),)


def test_exception_is_attached_whole() -> None:
    span = only(tree(enter(2, 1, 200), exception(2, 250, "LookupError"), leave(2, 260, Outcome.EXCEPTION)))
    caught = span.exception
    assert caught is not None
    assert (caught.type, caught.message, caught.escaped) == ("LookupError", "no such item", True)
    assert caught.frames == (Frame("/srv/shop/prices.py", "price", 33, in_app=True),)
    assert caught.time_ns == OFFSET_NS + 250


def test_exception_of_the_request_is_the_roots() -> None:
    trace = tree(exception(1, 250, "LookupError"), request=replace(REQUEST, outcome="exception"))
    assert trace.root.exception is not None
    assert trace.root.status == "error"


@pytest.mark.parametrize(
    ("first", "second", "kept", "marked"),
    [(True, True, "B", "A"), (True, False, "A", "B"), (False, True, "B", "A"), (False, False, "B", "A")],
)
def test_of_several_exceptions_the_last_that_escaped_is_kept_and_the_others_are_marks(
    first: bool, second: bool, kept: str, marked: str
) -> None:
    span = only(tree(enter(2, 1, 200), exception(2, 250, "A", escaped=first), exception(2, 260, "B", escaped=second)))
    assert span.exception is not None
    assert span.exception.type == kept
    assert [mark.attributes["exception.type"] for mark in span.marks] == [marked]
