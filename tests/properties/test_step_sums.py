"""What the correlator adds up of steps, against the states that a trace of them has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scope import _core
from scope.model import Event, EventType, State, Step
from scope.store import Summary
from scope.store.ingest.unstored import count
from scope.views.blame import held_longest_ns, waited_ns
from scope.views.states import states, totals
from scope.wire.encode import encode_records
from tests.unit.views.samples import make_span, make_trace
from tests.unit.wire.segment_builder import LaneWriter, build_segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scope.model import Trace

KEY, SLOT, DURATION_NS = 7, 0, 1_000
GAPS = 4
"""So many gaps between steps may lie before one that was ready all the time."""


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_core.Segment]:
    path: Path = tmp_path_factory.mktemp("sums") / "empty.seg"
    path.write_bytes(build_segment([LaneWriter()]))
    segment = _core.Segment(str(path))
    yield segment
    segment.close()


def summed(segment: _core.Segment, events: Sequence[Event]) -> Summary:
    correlator = _core.Correlator()
    slot = correlator.add(segment, 1)
    assert correlator.restore(slot, KEY, encode_records(events))
    correlator.abort(slot)
    [row] = correlator.take(2)
    return Summary(*row)


def events_of(steps: Sequence[Step], start_ns: int, end_ns: int) -> Iterator[Event]:
    """The records of the request, in the order in which one lane has them."""
    yield Event(EventType.REQUEST_BEGIN, start_ns, KEY, 1, payload={"kind": 1, "trace_id": bytes(16)})
    said = [*((step.end_ns, step) for step in steps), (end_ns, None)]
    for time_ns, step in sorted(said, key=lambda each: each[0]):
        if step is None:
            yield Event(EventType.RESPONSE_END, time_ns, KEY, 1)
        else:
            payload = {
                "waited_ns": step.start_ns - step.ready_ns,
                "ran_ns": step.end_ns - step.start_ns,
                "flags": int(step.in_thread),
            }
            yield Event(EventType.LOOP_STEP, time_ns, KEY, 1, payload=payload)


@st.composite
def loops(draw: st.DrawFn) -> list[Step]:
    """Steps of several tasks in one loop: one ends before the next begins, each was ready when it liked."""
    lengths = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), min_size=1, max_size=14))
    at, starts, steps = 950, [], list[Step]()
    for gap_ns, ran_ns in lengths:
        at += gap_ns
        starts.append(at)
        earliest = starts[max(len(starts) - GAPS, 0)] if len(starts) > GAPS else 0
        ready_ns = draw(st.just(at) | st.integers(earliest, at))
        steps.append(Step("loop", ready_ns, at, at + ran_ns))
        at += ran_ns
    return steps


THREADED = st.builds(
    lambda ready_ns, waited_ns, ran_ns: Step(
        "pool", ready_ns, ready_ns + waited_ns, ready_ns + waited_ns + ran_ns, in_thread=True
    ),
    st.integers(1_000, 2_000),
    st.integers(0, 500),
    st.integers(0, 500),
)


def traced(steps: Sequence[Step]) -> Trace:
    trace = make_trace(make_span("GET", 0, 1), start_ns=1_000, duration_ns=DURATION_NS)
    return replace(trace, steps=tuple(steps))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(in_loop=loops(), in_threads=st.lists(THREADED, max_size=4))
def test_what_is_stored_of_waits_is_what_the_trace_tells(
    segment: _core.Segment, in_loop: list[Step], in_threads: list[Step]
) -> None:
    found = summed(segment, list(events_of([*in_loop, *in_threads], 1_000, 1_000 + DURATION_NS)))
    assert found.loop_wait_ns == waited_ns(traced(in_loop))
    assert found.longest_step_ns == held_longest_ns(traced([*in_loop, *in_threads]))
    assert found.thread_wait_ns == sum(step.start_ns - step.ready_ns for step in in_threads)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(in_loop=loops(), in_threads=st.lists(THREADED, max_size=4))
def test_a_trace_with_threads_never_waits_longer_than_is_stored(
    segment: _core.Segment, in_loop: list[Step], in_threads: list[Step]
) -> None:
    """What a thread does for the request meanwhile makes the wait count as being in a thread."""
    found = summed(segment, list(events_of([*in_loop, *in_threads], 1_000, 1_000 + DURATION_NS)))
    split = totals(states(traced([*in_loop, *in_threads])))
    assert split.get(State.WAITING_FOR_LOOP, 0) <= found.loop_wait_ns
    assert split.get(State.WAITING_FOR_THREAD, 0) <= found.thread_wait_ns


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, (1 << 64) - 1)] * 3, st.sampled_from([0, 1])), max_size=8),
    st.integers(0, (1 << 64) - 1),
)
def test_numbers_that_cannot_be_true_are_summed_without_wrapping(
    segment: _core.Segment, rows: list[tuple[int, int, int, int]], start_ns: int
) -> None:
    steps = [
        Event(EventType.LOOP_STEP, at, KEY, 1, payload={"waited_ns": waited, "ran_ns": ran, "flags": flags})
        for at, waited, ran, flags in rows
    ]
    begin = Event(EventType.REQUEST_BEGIN, start_ns, KEY, 1, payload={"kind": 1, "trace_id": bytes(16)})
    found = summed(segment, [begin, *steps])
    latest = max((at for at, *_ in rows), default=0)
    assert found.loop_wait_ns <= max(latest - start_ns, 0)
    assert found.thread_wait_ns == min(sum(waited for _, waited, _, flags in rows if flags), (1 << 64) - 1)
    assert found.longest_step_ns == max((ran for *_, ran, flags in rows if not flags), default=0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(loops(), st.lists(THREADED, max_size=4))
def test_the_count_of_records_that_come_late_sums_what_the_correlator_sums(
    segment: _core.Segment, in_loop: list[Step], in_threads: list[Step]
) -> None:
    """Each step has waited for its own loop here, so that nothing counts twice."""
    alone = [replace(step, ready_ns=step.start_ns) for step in in_loop]
    records = list(events_of([*alone, *in_threads], 0, 10_000))
    found, counted = summed(segment, records), count(encode_records(records))
    assert counted._asdict() == {name: getattr(found, name) for name in counted._fields}
