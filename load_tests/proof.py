"""Compares what a store holds with what a generator sent: one request at a time, nothing taken on trust."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scope.model import RequestSummary, Span, Trace

ROUTE = "/products/{product_id}/price"
STEP = "price basket"
FUNCTION = "line_total_cents"
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """A request for a price, and what its sender saw of the answer; ``answered_id`` is the id in its header."""

    id: str
    path: str
    quantity: int
    status: int
    answered_id: str
    body_bytes: int


@dataclass(slots=True)
class Findings:
    """What is wrong, by kind, with a few examples of each; empty if all is well."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, problem: str, example: str) -> None:
        self.counts[problem] += 1
        shown = self.examples.setdefault(problem, [])
        if len(shown) < EXAMPLES:
            shown.append(example)

    def lines(self) -> list[str]:
        return [f"{count} x {problem}: {', '.join(self.examples[problem])}" for problem, count in self.counts.items()]


def check_answers(sent: Mapping[str, Sent], findings: Findings) -> None:
    """Every answer was a success and bore the id of its own request."""
    for request in sent.values():
        if request.status != 200:
            findings.note(f"answered {request.status}", request.id)
        if request.answered_id != request.id:
            findings.note("another id in the answer", f"{request.id} got {request.answered_id!r}")


def check_rows(rows: Iterable[RequestSummary], sent: Mapping[str, Sent], findings: Findings) -> int:
    """Each request that was sent is stored exactly once, whole and as it was; how many rows were looked at."""
    seen: Counter[str] = Counter()
    traces: Counter[str] = Counter()
    shapes: Counter[tuple[int, int]] = Counter()
    for row in rows:
        request = sent.get(row.id)
        if request is None:
            findings.note("stored, but never sent", row.id)
            continue
        seen[row.id] += 1
        traces[row.trace_id] += 1
        shapes[row.spans, row.events] += 1
        for name, stored, expected in _fields(row, request):
            if stored != expected:
                findings.note(f"{name} is {stored!r}, not {expected!r}", row.id)
    _check_counts(sent, seen, traces, shapes, findings)
    return sum(seen.values())


def check_trace(trace: Trace, sent: Sent, findings: Findings) -> None:
    """The request's tree: the step with its own attribute below the root, the probed function below the step."""
    steps = [span for span in tree_of(trace.root) if span.name == STEP]
    if len(steps) != 1:
        findings.note(f"{len(steps)} spans named {STEP!r}", sent.id)
        return
    step = steps[0]
    if step.attributes.get("items") != sent.quantity:
        findings.note("another request's attribute", f"{sent.id} has items={step.attributes.get('items')!r}")
    functions = [span for span in step.children if span.name.endswith(FUNCTION)]
    if len(functions) != 1 or functions[0].parent_id != step.span_id:
        findings.note(f"{len(functions)} calls of {FUNCTION} within {STEP!r}", sent.id)
    if trace.root.parent_id is not None or trace.root.span_id != trace.request.span_id:
        findings.note("a root that is not the request's", sent.id)
    if any(span.duration_ns is None or span.status != "ok" for span in tree_of(trace.root)):
        findings.note("a span without a good end", sent.id)


def _fields(row: RequestSummary, request: Sent) -> tuple[tuple[str, object, object], ...]:
    return (
        ("state", row.state, "done"),
        ("complete", row.complete, True),
        ("lost", row.lost, 0),
        ("method", row.method, "GET"),
        ("path", row.path, request.path),
        ("route", row.route, ROUTE),
        ("status", row.status, 200),
        ("error", row.error, None),
        ("bytes_out", row.bytes_out, request.body_bytes),
    )


def _check_counts(
    sent: Mapping[str, Sent],
    seen: Counter[str],
    traces: Counter[str],
    shapes: Counter[tuple[int, int]],
    findings: Findings,
) -> None:
    for missing in sent.keys() - seen.keys():
        findings.note("not stored", missing)
    for twice in (item for item, count in seen.items() if count > 1):
        findings.note("stored more than once", twice)
    for shared in (item for item, count in traces.items() if count > 1):
        findings.note("trace id shared by requests", shared)
    # All requests are alike, so their trees are of one size: request, step and function at the least.
    for spans, events in list(shapes)[1:]:
        findings.note("requests of different size", f"{spans} spans, {events} events")
    if shapes and min(shapes)[0] < 3:
        findings.note("too few spans", str(min(shapes)[0]))


def tree_of(root: Span) -> Iterator[Span]:
    """The span and all below it."""
    yield root
    for child in root.children:
        yield from tree_of(child)
