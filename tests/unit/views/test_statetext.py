"""The states of a request in words and in cells."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scope.model import State, Step, Stretch
from scope.views.header import header_lines
from scope.views.jsonout import trace_object
from scope.views.lines import plain
from scope.views.markdown import markdown_lines
from scope.views.statetext import paint_states, percentages, state_line
from scope.views.timeline import Scale, Strip
from scope.views.waterfall import waterfall_lines
from tests.unit.views.samples import MS, START_NS, checkout
from tests.unit.views.test_states import step, trace

WAITED = trace(
    step(0, 0, 10, awaits="sleep"),
    step(60, 80, 81, awaits="read"),
    step(81, 84, 89, in_thread=True),
    step(89, 90, 100),
)


def test_the_line_sums_up_and_names_what_was_awaited_longest() -> None:
    assert plain(state_line(WAITED)) == (
        "awaiting 50 ms (50 %) · running 21 ms (21 %) · waiting for the loop 21 ms (21 %) · in a thread 5 ms (5 %)"
        " · waiting for a thread 3 ms (3 %), longest sleep 50 ms"
    )


def test_a_wait_that_takes_a_tenth_of_the_time_stands_out() -> None:
    roles = {piece.text.partition(" ms")[0]: piece.role for piece in state_line(WAITED)}
    assert (roles["waiting for the loop 21"], roles["waiting for a thread 3"]) == ("warning", "dim")


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert state_line(checkout()) == ()
    assert not any("running" in plain(line) for line in header_lines(checkout(), START_NS))
    assert "doing" not in "".join(plain(line) for line in waterfall_lines(checkout(), width=100))


def test_header_and_markdown_have_the_line() -> None:
    said = plain(state_line(WAITED))
    assert said in [plain(line) for line in header_lines(WAITED, START_NS)]
    assert any(said in line for line in markdown_lines(WAITED))


def test_the_waterfall_has_a_row_in_which_every_state_looks_different() -> None:
    [row] = [plain(line) for line in waterfall_lines(WAITED, width=130) if "doing" in plain(line)]
    cells = row.partition("doing")[2].strip()
    assert list(dict.fromkeys(cells)) == ["█", "─", "╱", "┄", "▓"]


def test_a_cell_shows_the_state_that_took_most_of_it() -> None:
    strip = Strip(Scale(0, 40, 4))
    paint_states(
        strip,
        [
            Stretch(State.AWAITING, 0, 6),
            Stretch(State.RUNNING, 6, 14),
            Stretch(State.WAITING_FOR_LOOP, 14, 27),
            Stretch(State.RUNNING, 27, 28),
            Stretch(State.AWAITING, 28, 40),
        ],
    )
    assert "".join(piece.text for piece in strip.pieces()) == "─╱╱─"


def test_json_has_every_stretch() -> None:
    found = trace_object(WAITED)["states"]
    assert found[1] == {"state": "awaiting", "start_ns": START_NS + 10 * MS, "duration_ns": 50 * MS, "awaits": "sleep"}
    assert sum(each["duration_ns"] for each in found) == WAITED.request.duration_ns


@given(st.dictionaries(st.sampled_from(State), st.integers(1, 10**12), min_size=1))
def test_percents_add_up_and_are_off_by_less_than_one(sums: dict[State, int]) -> None:
    rounded = percentages(sums)
    assert sum(rounded.values()) == 100
    assert all(abs(rounded[state] - ns * 100 / sum(sums.values())) < 1 for state, ns in sums.items())


def test_no_time_has_no_percents() -> None:
    assert percentages({}) == {}
    instant = replace(WAITED, request=replace(WAITED.request, duration_ns=0), steps=(Step("t", 0, 0, 0),))
    assert state_line(instant) == ()
