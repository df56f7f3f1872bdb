"""Values of a call, put together from its records whatever these say."""

from __future__ import annotations

from scope.model import Event, EventType, LineRun, Locals
from scope.store.values_draft import MOST_LOCALS, MOST_YIELDED, ValuesDraft


def values(what: int, attributes: dict[str, object], **more: int) -> Event:
    payload = {"what": what, "left_out": 0, "line": 0, "attributes": attributes, **more}
    return Event(EventType.VALUES, 100, 1, 2, payload=payload)


def draft(*events: Event) -> ValuesDraft:
    made = ValuesDraft()
    for event in events:
        made.take_in(event, 1000)
    return made


def test_arguments_results_and_lines_are_put_together() -> None:
    lines = Event(EventType.LINES, 100, 1, 2, payload={"left_out": 0, "lines": ((3, 1, 5),)})
    call = draft(values(0, {"a": 1}, left_out=2), values(1, {"": 7}), values(1, {"": 8}), lines).freeze(
        has_failed=False
    )
    assert (call.arguments, call.left_out, call.result, call.has_result) == ({"a": 1}, 2, 8, True)
    assert call.lines == (LineRun(3, 1, 5),)


def test_a_call_that_failed_has_no_result() -> None:
    call = draft(values(1, {"": 7})).freeze(has_failed=True)
    assert (call.arguments, call.result, call.has_result) == (None, None, False)


def test_local_variables_have_unix_time_and_say_where() -> None:
    call = draft(values(3, {"a": 1}, line=4), values(4, {"a": 2}, left_out=1)).freeze(has_failed=True)
    assert call.locals == (Locals(1100, 4, {"a": 1}), Locals(1100, 0, {"a": 2}, at_error=True, left_out=1))


def test_more_than_any_writer_records_is_not_kept() -> None:
    many = [values(kind, {"": 1}) for kind in (2, 3) for _ in range(100)]
    call = draft(*many, values(9, {"": 1})).freeze(has_failed=False)
    assert (len(call.yielded), len(call.locals)) == (MOST_YIELDED, MOST_LOCALS)


def test_a_record_without_a_value_is_one_of_none() -> None:
    assert draft(values(1, {})).freeze(has_failed=False).has_result
