"""A recorded function does what it did, and looks as it looked."""

from __future__ import annotations

import gc
import inspect
import pickle
import sys
from types import ModuleType
from typing import Any

import pytest

from scope._core import CodeProbe, monitored
from scope.instrument.monitoring.places import every_code
from scope.instrument.plan import Level, Plan, Rule
from scope.instrument.transform.compiling import Refused
from tests.unit.core.inside import inside, outline

from .twins import PLANS, codes, compiles, nested, run, seen, twins

pytestmark = pytest.mark.usefixtures("no_integrations")

SOURCE = '''
from __future__ import annotations
import contextlib, dataclasses, functools, sys

def plain(a, b=2, *more, c=3, **rest):
    """Says what it got."""
    d = a
    return dict(locals()), sorted(vars()), eval("d + b"), exec("d = 5") or d

def only_doc():
    """Nothing else."""

def empty(): pass

def closes(over):
    count = 0
    def inner(step: int) -> int:
        nonlocal count
        count += step + over
        return count
    return [inner(1), inner(2)], inner.__closure__[0].cell_contents

class Base:
    kind = "base"
    def who(self): return [__class__.__name__, type(self).kind]
    @classmethod
    def made(cls): return cls
    @staticmethod
    def still(x): return x + 1
    @property
    def shown(self): return self.kind.upper()
    def __init_subclass__(cls, **given):
        super().__init_subclass__()
        cls.given = given

class Derived(Base, flag=True):
    kind = "derived"
    def who(self): return [*super().who(), __class__.__name__]
    def __private(self): return "mangled"
    def private(self): return self.__private()

def classes():
    made = Derived()
    return made.who(), Derived.made().__name__, Derived.still(1), made.shown, Derived.given, made.private()

@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: int = 2
    def __post_init__(self): self.x += 1

def matched(value):
    match value:
        case [first, *others] if first: return ("list", first, others)
        case {"key": found, **rest}: return ("dict", found, rest)
        case Point(x, y=3): return ("point", x)
        case str() | None: return "text"
        case _: return "other"
Point.__match_args__ = ("x",)

def matches():
    return [matched(each) for each in ([1, 2], [0], {"key": 1, "z": 2}, Point(1, 3), "s", None, 4)]

def grouped():
    caught = []
    try:
        raise ExceptionGroup("both", [ValueError(1), KeyError(2), TypeError(3)])
    except* ValueError as group:
        caught.append(group.exceptions)
    except* KeyError as group:
        caught.append(group.exceptions)
    return caught

def fails(depth=2):
    if depth:
        return fails(depth - 1)
    return 1 + (2 /
                0)

def chained():
    try:
        fails()
    except ZeroDivisionError as error:
        raise RuntimeError("chained") from error

def reraised():
    try:
        fails(0)
    except ZeroDivisionError:
        def again(): raise
        again()

def finally_wins():
    order = []
    def inner():
        try:
            return order.append("return") or 1
        finally:
            order.append("finally")
    return inner(), order

def loops():
    total = 0
    for number in range(5):
        if number == 3: break
        try:
            if number == 1: continue
            total += number
        finally:
            total += 10
    else:
        total = -1
    while total > 20:
        total -= 7
    return total

@functools.partial
def decorated(
    first,
    second=2,
):
    return [
        first,
        second,
    ]

@contextlib.contextmanager
def managed(log):
    log.append("in")
    try:
        yield "managed"
    except KeyError:
        log.append("caught")
    finally:
        log.append("out")

def manages():
    log = []
    with managed(log) as name:
        log.append(name)
        raise KeyError
    return log

def deep(depth):
    return depth and deep(depth - 1)

def multiline():
    return decorated(
        1,
        second=
            3,
    ), [x for x in range(3)
        if x]

def lasting(): return (lambda: 1)()

async def later(value):
    import asyncio
    await asyncio.sleep(0)
    return [value async for value in counted(value)], [x for x in range(2)]

async def counted(to):
    try:
        for number in range(to):
            yield number
    finally:
        pass

def deleted():
    kept = []
    value = object()
    del value
    try:
        value
    except UnboundLocalError as error:
        kept.append(str(error))
    return kept

def last_is_if(x):
    if x:
        x = 2

def star(*args, **kwargs): return args, kwargs

def unassigned():
    if False:
        hidden = 1
    return hidden

def exits():
    sys.exit(3)
'''

CALLS = [
    "plain(1, 4, 5, e=6)", "plain()", "only_doc()", "empty()", "closes(10)", "classes()",
    "sorted([Point(3), Point(1)])", "matches()", "grouped()", "fails()", "chained()", "reraised()",
    "finally_wins()", "loops()", "decorated(1)", "manages()", "deep(50)", "multiline()", "lasting()",
    "run(later(3))", "deleted()", "last_is_if(0)", "last_is_if(1)", "star(1, *[2], a=3)", "unassigned()", "exits()",
]  # fmt: skip


@pytest.mark.parametrize("level", PLANS)
@pytest.mark.parametrize("call", CALLS)
def test_it_returns_raises_and_steps_through_its_lines_as_before(call: str, level: str) -> None:
    """Results, tracebacks with locals, and all events of a tracer are the same; inside a request and outside any."""
    plain, probed = twins(SOURCE, plan=PLANS[level])
    before = observed(plain, call)
    assert observed(probed, call) == before
    recorded: list[Any] = []
    if "run(" not in call:  # there is one event loop already
        inside(lambda: recorded.append(observed(probed, call)))
        assert recorded == [before]


def observed(module: ModuleType, call: str) -> tuple[str, object]:
    result, events = seen(lambda: eval(call, {**vars(module), "run": run}))
    return str(result), events


READ = (
    "co_name", "co_qualname", "co_firstlineno", "co_varnames", "co_cellvars", "co_freevars", "co_names", "co_flags",
    "co_argcount", "co_kwonlyargcount", "co_posonlyargcount", "co_nlocals", "co_filename",
)  # fmt: skip


@pytest.mark.parametrize("level", PLANS)
def test_what_people_read_of_code_is_the_same(level: str) -> None:
    plain, probed = codes(SOURCE, plan=PLANS[level])
    pairs = list(zip(every_code(plain), every_code(probed), strict=True))
    assert len(pairs) > 40
    for before, after in pairs:
        assert [getattr(after, name) for name in READ] == [getattr(before, name) for name in READ]
        assert {line for *_, line in after.co_lines()} - {None} == {line for *_, line in before.co_lines()} - {None}


def test_signatures_docstrings_annotations_and_sources_are_the_same() -> None:
    plain, probed = twins(SOURCE)
    for name in ("plain", "only_doc", "empty", "closes", "later"):
        before, after = getattr(plain, name), getattr(probed, name)
        assert inspect.signature(after) == inspect.signature(before)
        assert (after.__doc__, after.__annotations__) == (before.__doc__, before.__annotations__)
        assert inspect.getsource(after) == inspect.getsource(before)


def test_every_function_is_recorded_and_nothing_else() -> None:
    _, probed = codes(SOURCE)
    without = [
        code.co_qualname
        for code in every_code(probed)
        if not any(isinstance(constant, CodeProbe) for constant in (*code.co_consts, monitored(code)))
    ]
    names = {name.rpartition(".")[2] for name in without} - {"<listcomp>"}  # none from 3.12 on
    assert names == {"<module>", "Base", "Derived", "Point", "<lambda>"}


def test_calls_nest_as_they_were_made() -> None:
    _, probed = twins(SOURCE)
    assert outline(inside(lambda: probed.deep(2))) == ["deep", "  deep", "    deep"]
    assert outline(inside(probed.classes)) == [
        "classes", "  who", "    who", "  made", "  still", "  shown", "  private", "    __private",
    ]  # fmt: skip


def test_recursion_goes_as_deep_as_before() -> None:
    plain, probed = twins("def down(depth):\n    return down(depth + 1) if depth < limit else depth\n")

    def depth(module: Any) -> int:
        for limit in range(10, 2000):
            module.limit = limit
            try:
                module.down(0)
            except RecursionError:
                return limit
        return 0

    assert depth(probed) == depth(plain)


def test_a_function_that_raises_is_recorded_with_its_exception() -> None:
    _, probed = twins(SOURCE)

    def work() -> None:
        with pytest.raises(ZeroDivisionError):
            probed.fails()

    trace = inside(work)
    assert [span.status for _, span in trace.spans()][1:] == ["error"] * 3


def test_no_reference_to_what_a_call_held_is_kept() -> None:
    _, probed = twins("class Held: pass\ndef holds(value):\n    return [value]\n")

    def work() -> None:
        for _ in range(100):
            probed.holds(probed.Held())

    inside(work)
    assert [each for each in gc.get_objects() if type(each) is probed.Held] == []


@pytest.mark.transformed
def test_nesting_that_is_as_deep_as_it_may_be_is_refused() -> None:
    """A function has room for twenty blocks, and ours would be one more."""
    full = max((nested(depth) for depth in range(15, 30) if compiles(nested(depth))), key=len)
    twins(nested(10))
    with pytest.raises(Refused, match="too many statically nested blocks"):
        twins(full)


@pytest.mark.transformed
def test_probes_are_pickled_with_code_that_is_sent_by_value() -> None:
    probe = CodeProbe("shop.price", 3, False, 2)
    again = pickle.loads(pickle.dumps(probe))
    assert (type(again), repr(again)) == (CodeProbe, "<probe of shop.price>")


@pytest.mark.transformed
def test_a_probe_checks_what_it_is_made_of() -> None:
    native: Any = CodeProbe
    for wrong in ((), ("x",), ("x", 2, False), (1, 2, False, 1), ("x", "y", False, 1)):
        with pytest.raises(TypeError):
            native(*wrong)
    with pytest.raises(ValueError, match="no level has number 5"):
        native("x", 2, False, 5)


@pytest.mark.transformed
def test_each_level_has_code_of_its_own_and_the_same_decision_the_same() -> None:
    at = {level: codes(SOURCE, plan=Plan((Rule("twin", level),)))[1] for level in Level if level}
    assert len(set(at.values())) == len(Level) - 1
    assert codes(SOURCE, plan=Plan((Rule("twin", Level.VALUES),)))[1] == at[Level.VALUES]


def test_deeper_levels_record_what_timing_does() -> None:
    _, probed = twins(SOURCE, plan=Plan((Rule("twin", Level.LINES),)))
    assert outline(inside(lambda: probed.deep(1))) == ["deep", "  deep"]


def test_a_probe_of_level_off_records_nothing() -> None:
    probe = CodeProbe("shop.price", 0, False, Level.OFF)

    def work() -> None:
        with probe:
            pass

    assert outline(inside(work)) == []


@pytest.mark.transformed
def test_a_call_that_a_foreign_tool_begins_and_leaves_open_ends_with_it() -> None:
    """As one that looks at all attributes of all constants does."""
    probe: Any = CodeProbe("shop.price", 0, False, 1)

    def look() -> None:
        assert callable(probe.__exit__)
        probe.__enter__()

    trace = inside(look)
    assert [span.status for _, span in trace.spans()][1:] == ["cancelled"]
    assert type(probe).__exit__ is not None
    assert sys.getrefcount(probe) < 10
