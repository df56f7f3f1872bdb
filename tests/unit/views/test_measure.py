"""What traces tell of the functions of a code base."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scope.instrument.analyse import Analysis, analyse
from scope.model import Step
from scope.store import RouteStats
from scope.views.measure import measure
from tests.unit.views.samples import MS, START_NS, make_span, make_trace

if TYPE_CHECKING:
    from pathlib import Path

    from scope.model import Span, Trace

SOURCE = """
async def show(id):
    def inner():
        return round(id)
    return load(inner())

def load(x):
    return round(x)

class Shop:
    def load(self):
        return round(1)
"""


def code_base(directory: Path) -> Analysis:
    package = directory / "shop"
    package.mkdir()
    (package / "__init__.py").write_text(SOURCE)
    (package / "items.py").write_text(SOURCE)
    return analyse(package)


def call(name: str, start_ms: float, duration_ms: float, *below: Span, file: str = "items.py", **more: Any) -> Span:
    return make_span(name, start_ms, duration_ms, *below, kind="FUNCTION", file=f"/srv/shop/{file}", line=1, **more)


def step(start_ms: float, end_ms: float, **more: Any) -> Step:
    start_ns = START_NS + round(start_ms * MS)
    return Step("MainThread", start_ns, start_ns, START_NS + round(end_ms * MS), **more)


def request(*below: Span, steps: tuple[Step, ...] = (), id: str = "a", **root: Any) -> Trace:
    return replace(make_trace(make_span("GET /", 0, 100, *below, kind="SERVER", **root), id=id), steps=steps)


def stats(method: str, route: str | None, count: int, kind: str = "http") -> RouteStats:
    return RouteStats("shop", kind, method, route, count, 0, 1.0, 1, 1, 1, 0, 0)


def test_calls_and_times_are_those_of_functions_of_that_name_in_that_file(tmp_path: Path) -> None:
    first = request(call("show", 0, 50, call("load", 1, 5), call("load", 10, 7)))
    second = request(call("load", 0, 2), call("Shop.load", 3, 1), call("load", 5, 1, file="other.py"), id="b")
    measured = measure(code_base(tmp_path), [first, second], [])
    load = measured.functions["shop.items.load"]
    assert (load.calls, load.requests, load.total_ns, load.longest_ns, load.longest_in) == (3, 2, 14 * MS, 7 * MS, "a")
    assert load.calls_per_request == 1.5
    assert sorted(measured.functions) == ["shop.items.Shop.load", "shop.items.load", "shop.items.show"]
    assert measured.looked_at == 2


def test_functions_of_a_package_itself_and_within_functions_are_found(tmp_path: Path) -> None:
    trace = request(call("show.<locals>.inner", 0, 1, file="__init__.py"))
    assert list(measure(code_base(tmp_path), [trace], []).functions) == ["shop.show.inner"]


def test_calls_that_were_not_recorded_count(tmp_path: Path) -> None:
    held_back = {"scope.held_back": {"shop.items.load": 4000, "shop.items.show.<locals>.inner": 7, "os.stat": 3}}
    functions = measure(code_base(tmp_path), [request(call("load", 0, 1), attributes=held_back)], []).functions
    assert {name: each.calls for name, each in functions.items()} == {
        "shop.items.load": 4001,
        "shop.items.show.inner": 7,
    }


def test_the_innermost_function_of_a_step_held_the_loop(tmp_path: Path) -> None:
    spans = call("show", 0, 90, call("load", 10, 40), make_span("query", 60, 20))
    steps = (step(10, 50), step(61, 79), step(80, 85), step(80, 99, in_thread=True))
    functions = measure(code_base(tmp_path), [request(spans, steps=steps)], []).functions
    assert {name: (each.held_ns, each.held_in) for name, each in functions.items()} == {
        "shop.items.load": (40 * MS, "a"),
        "shop.items.show": (18 * MS, "a"),
    }


def test_a_handler_that_is_not_recorded_is_found_by_its_name_where_only_one_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("async def show(): ...\nasync def stock(): ...\n")
    (tmp_path / "more.py").write_text("async def show(): ...\n")
    handlers = [make_span(name, 1, 2, kind="HANDLER") for name in ("stock", "show", "unknown")]
    measured = measure(analyse(tmp_path), [request(*handlers)], [])
    assert {name: each.calls for name, each in measured.functions.items()} == {"main.stock": 1}


def test_a_handler_that_is_recorded_counts_once(tmp_path: Path) -> None:
    handler = make_span("Shop.load", 1, 9, call("Shop.load", 2, 7), kind="HANDLER")
    functions = measure(code_base(tmp_path), [request(handler)], []).functions
    assert functions["shop.items.Shop.load"].calls == 1


def test_routes_are_counted_by_method_and_path(tmp_path: Path) -> None:
    routes = [stats("GET", "/a", 3), stats("GET", "/a", 4), stats("", "/chat", 2, "websocket"), stats("GET", None, 9)]
    measured = measure(code_base(tmp_path), [], routes)
    assert measured.routes == {("GET", "/a"): 7, ("", "/chat"): 2}
    assert measured.stored == 9
