"""A probed function behaves and introspects as the function does, inside a request and outside any."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import inspect
import pickle
import types
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any

import pytest

from scope import annotate, probe
from scope._core import Probe
from scope.model import SpanKind

from .inside import inside, named, outline

pytestmark = pytest.mark.usefixtures("no_integrations")


@probe
def add(left: int, right: int = 2, *more: int, scale: int = 1) -> int:
    """Sums up."""
    return (left + right + sum(more)) * scale


@probe
async def later(value: int) -> int:
    """Comes later."""
    await asyncio.sleep(0)
    return value


@probe
def count(to: int) -> Generator[int, str | None, str]:
    """Counts."""
    said: list[str] = []
    for number in range(to):
        answer = yield number
        if answer:
            said.append(answer)
    return ",".join(said)


@probe
async def acount(to: int) -> AsyncGenerator[int, None]:
    """Counts, asynchronously."""
    for number in range(to):
        yield number


class Shop:
    """All kinds of methods, decorated from both sides."""

    prices: dict[str, int] = {"tea": 3}  # noqa: RUF012 - never changed

    def __init__(self, tax: int) -> None:
        self.tax = tax

    @probe
    def price(self, item: str) -> int:
        """What it costs."""
        return self.prices[item] + self.tax

    @probe
    async def order(self, item: str) -> int:
        return self.price(item)

    @probe
    @staticmethod
    def above(value: int) -> int:
        return value + 1

    @staticmethod
    @probe
    def below(value: int) -> int:
        return value - 1

    @probe
    @classmethod
    def cheapest(cls) -> int:
        return min(cls.prices.values())

    @classmethod
    @probe
    def dearest(cls) -> int:
        return max(cls.prices.values())

    @property
    @probe
    def doubled(self) -> int:
        return 2 * self.tax


ANY = [add, later, count, acount, Shop.price, Shop.order, Shop.above, Shop.below]


# --- what it looks like ----------------------------------------------------------------------------------------------


def test_each_kind_of_function_stays_of_its_kind() -> None:
    kinds = [
        [inspect.iscoroutinefunction(each), inspect.isgeneratorfunction(each), inspect.isasyncgenfunction(each)]
        for each in (add, later, count, acount)
    ]
    assert kinds == [[False] * 3, [True, False, False], [False, True, False], [False, False, True]]
    assert all(callable(each) for each in ANY)


def test_signature_name_doc_module_and_annotations_are_the_functions() -> None:
    assert str(inspect.signature(add)) == "(left: 'int', right: 'int' = 2, *more: 'int', scale: 'int' = 1) -> 'int'"
    assert str(inspect.signature(Shop(1).price)) == "(item: 'str') -> 'int'"
    assert (add.__name__, add.__qualname__, add.__doc__) == ("add", "add", "Sums up.")
    assert (later.__doc__, count.__doc__, acount.__doc__) == ("Comes later.", "Counts.", "Counts, asynchronously.")
    assert Shop.price.__qualname__ == "Shop.price"
    for each in ANY:
        assert each.__module__ == __name__
        assert each.__annotations__["return"]
        assert hasattr(each, "__wrapped__")


def test_attributes_of_the_function_are_seen_and_can_be_set() -> None:
    def plain() -> None:
        """Nothing."""

    plain.mark = "set before"  # type: ignore[attr-defined]
    probed: Any = probe(plain)
    assert probed.mark == "set before"
    probed.other = "set after"
    assert probed.other == "set after"
    assert probed.__dict__["other"] == "set after"
    assert probed.__code__ is plain.__code__
    assert probed.__wrapped__ is plain
    assert probed.__defaults__ is None
    with pytest.raises(AttributeError, match="nowhere"):
        _ = probed.nowhere


def test_repr_names_the_function() -> None:
    assert repr(add).startswith("<probed <function add at ")


def test_a_probe_can_be_referred_to_weakly_and_is_collected() -> None:
    def plain() -> None:
        """Nothing."""

    probed: Any = probe(plain)
    probed.self = probed  # a cycle
    gone = weakref.ref(probed)
    assert gone() is probed
    del probed, plain
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("function", [add, later, count, acount, Shop.price], ids=lambda each: each.__qualname__)
def test_a_module_level_probe_is_pickled_and_copied_by_name(function: Callable[..., object]) -> None:
    assert pickle.loads(pickle.dumps(function)) is function
    assert copy.copy(function) is function
    assert copy.deepcopy(function) is function


def test_a_probe_is_hashable_and_equal_to_itself_only() -> None:
    assert {add: 1}[add] == 1
    assert add != probe(inspect.unwrap(add))


def test_a_probe_works_in_partial_wraps_and_single_dispatch() -> None:
    @functools.singledispatch
    @probe
    def kind(value: object) -> str:
        return "object"

    @kind.register
    @probe
    def _(value: int) -> str:
        return "int"

    @functools.wraps(add)
    def wrapped(*args: int) -> int:
        return add(*args)

    assert functools.partial(add, 1)(1) == 2
    assert functools.lru_cache(add)(1, 1) == 2
    assert (kind(1), kind("")) == ("int", "object")
    assert wrapped.__doc__ == add.__doc__


# --- descriptors -----------------------------------------------------------------------------------------------------


def test_methods_of_all_kinds_bind() -> None:
    shop = Shop(1)
    assert (shop.price("tea"), Shop.price(shop, "tea")) == (4, 4)
    assert asyncio.run(shop.order("tea")) == 4
    assert (shop.above(1), Shop.above(1), shop.below(1), Shop.below(1)) == (2, 2, 0, 0)
    assert (shop.cheapest(), Shop.cheapest(), shop.dearest(), Shop.dearest()) == (3, 3, 3, 3)
    assert shop.doubled == 2
    bound = shop.price
    assert isinstance(bound, types.MethodType)
    assert bound.__self__ is shop
    assert bound("tea") == 4
    assert inspect.ismethod(bound)
    assert isinstance(vars(Shop)["above"], staticmethod)
    assert isinstance(vars(Shop)["cheapest"], classmethod)


def test_a_subclass_overrides_and_calls_super() -> None:
    class Tax(Shop):
        @probe
        def price(self, item: str) -> int:
            return super().price(item) * 10

    trace = inside(lambda: Tax(1).price("tea"))
    assert [span.name.rpartition("<locals>.")[2] for _, span in trace.spans()][1:] == ["Tax.price", "Shop.price"]


def test_getting_it_without_an_instance_gives_itself() -> None:
    descriptor: Any = Shop.price
    assert descriptor.__get__(None, Shop) is descriptor


def test_a_callable_object_and_a_builtin_can_be_probed() -> None:
    class Call:
        def __call__(self, value: int) -> int:
            return value

    assert probe(Call())(3) == 3
    assert probe(len)([1]) == 1
    assert probe(functools.partial(add, 1))(1) == 2
    bound = probe(Shop(1).price)
    assert bound("tea") == 4
    assert outline(inside(lambda: (probe(Call())(3), probe(len)([])))) == ["Call", "len"]


@pytest.mark.parametrize("wrong", [3, "text", None, Shop, int])
def test_what_is_no_function_is_refused_by_name(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"probe\(\) takes a function or method, not "):
        probe(wrong)


def test_the_native_type_checks_what_it_is_given() -> None:
    native: Any = Probe
    with pytest.raises(TypeError, match="takes a callable, not int"):
        native(3, 0)
    for wrong in ((), (len,), (len, "x"), (len, 0, 0)):
        with pytest.raises(TypeError):
            native(*wrong)
    with pytest.raises(TypeError):
        native(len, site=0)


# --- calls -----------------------------------------------------------------------------------------------------------


def each_way(work: Callable[[], object]) -> list[object]:
    """What ``work`` gives outside any request and inside one."""
    results: list[object] = []

    async def collect() -> None:
        result = work()
        results.append(await result if inspect.isawaitable(result) else result)

    asyncio.run(collect())
    inside(collect)
    return results


def test_arguments_of_all_kinds_get_through() -> None:
    assert each_way(lambda: add(1)) == [3, 3]
    assert each_way(lambda: add(1, 1, 1, 1, scale=2)) == [8, 8]
    assert each_way(lambda: add(*[1, 2], scale=3)) == [9, 9]
    assert each_way(lambda: later(4)) == [4, 4]
    assert each_way(lambda: later(value=4)) == [4, 4]


def test_wrong_arguments_fail_as_they_do_without_a_probe() -> None:
    def call() -> str:
        with pytest.raises(TypeError) as info:
            add()  # type: ignore[call-arg]
        return str(info.value)

    assert each_way(call) == ["add() missing 1 required positional argument: 'left'"] * 2


def test_a_call_outside_any_request_records_nothing_and_the_same_call_inside_does() -> None:
    def work() -> None:
        add(1)

    work()
    trace = inside(work)
    found = named(trace, "add")
    assert (found.kind, found.status, found.line) == (
        SpanKind.FUNCTION,
        "ok",
        inspect.unwrap(add).__code__.co_firstlineno,
    )
    assert found.file.endswith("test_probe.py")


def test_recursion_nests() -> None:
    @probe
    def down(depth: int) -> None:
        if depth:
            down(depth - 1)

    assert outline(inside(lambda: down(3))) == ["down", "  down", "    down", "      down"]


def test_a_coroutine_that_is_never_awaited_records_nothing() -> None:
    def work() -> None:
        later(1).close()

    assert outline(inside(work)) == []


def test_a_coroutine_closed_under_way_is_cancelled() -> None:
    def work() -> None:
        waiting: Any = later(1)
        waiting.send(None)
        waiting.close()

    assert named(inside(work), "later").status == "cancelled"


def test_an_awaitable_thrown_into_gets_it_at_its_await() -> None:
    seen: list[str] = []

    @probe
    async def catching() -> str:
        try:
            await asyncio.sleep(1)
        except KeyError as error:
            seen.append(repr(error))
        return "went on"

    def work() -> None:
        waiting: Any = catching()
        waiting.send(None)
        with pytest.raises(StopIteration) as info:
            waiting.throw(KeyError("x"))
        seen.append(info.value.value)

    assert named(inside(work), "catching").status == "ok"
    assert seen == ["KeyError('x')", "went on"]


# --- generators ------------------------------------------------------------------------------------------------------


def test_a_generator_gives_receives_and_returns_as_before() -> None:
    def work() -> tuple[list[int], str]:
        items = count(3)
        given = [next(items), items.send("a"), items.send("b")]
        with pytest.raises(StopIteration) as info:
            items.send("c")
        return given, info.value.value

    assert each_way(work) == [([0, 1, 2], "a,b,c")] * 2


def test_yield_from_a_probed_generator_gives_its_return_value() -> None:
    def outer() -> Generator[int, str | None, str]:
        return (yield from count(2))

    assert each_way(lambda: list(outer())) == [[0, 1], [0, 1]]
    assert list(inspect.signature(count).parameters) == ["to"]


def test_an_exception_thrown_into_a_generator_is_its_to_handle() -> None:
    @probe
    def resilient() -> Generator[str, None, None]:
        try:
            yield "first"
        except KeyError as error:
            yield f"caught {error.args[0]}"

    def work() -> tuple[str, str]:
        items = resilient()
        return next(items), items.throw(KeyError("x"))

    assert each_way(work) == [("first", "caught x")] * 2


def test_an_exception_that_leaves_a_generator_ends_it() -> None:
    error = KeyError("x")

    @probe
    def failing() -> Generator[int, None, None]:
        yield 1
        raise error

    def work() -> None:
        items = failing()
        next(items)
        with pytest.raises(KeyError) as info:
            next(items)
        assert info.value is error
        with pytest.raises(StopIteration):
            next(items)

    work()
    assert named(inside(work), "failing").status == "error"


@pytest.mark.parametrize("started", [False, True])
def test_closing_runs_what_the_generator_does_at_its_end(started: bool) -> None:
    did: list[str] = []

    @probe
    def careful() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            did.append("cleaned up")
            add(1)

    def work() -> None:
        items = careful()
        if started:
            next(items)
        items.close()
        items.close()

    trace = inside(work)
    assert did == ["cleaned up"] * started
    assert outline(trace) == ["careful", "  add"] * started


def test_a_generator_that_ignores_its_closing_fails_as_before() -> None:
    @probe
    def stubborn() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            yield 2

    def work() -> None:
        items = stubborn()
        next(items)
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            items.close()

    work()
    inside(work)


def test_a_generator_that_raises_while_it_is_closed_raises_that() -> None:
    @probe
    def breaking() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            raise KeyError("at the end")

    def work() -> None:
        items = breaking()
        next(items)
        with pytest.raises(KeyError, match="at the end"):
            items.close()

    work()
    assert named(inside(work), "breaking").status == "error"


def test_a_generator_knows_its_span_in_every_step() -> None:
    @probe
    def noting() -> Generator[None, None, None]:
        for number in range(3):
            annotate(**{f"step {number}": True})
            yield

    assert len(named(inside(lambda: list(noting())), "noting").attributes) == 3


# --- async generators ------------------------------------------------------------------------------------------------


async def _taken(items: AsyncGenerator[Any, Any]) -> list[Any]:
    return [item async for item in items]


def test_an_async_generator_gives_what_it_gave() -> None:
    assert each_way(lambda: _taken(acount(3))) == [[0, 1, 2]] * 2


def test_an_async_generator_takes_what_is_sent_and_thrown() -> None:
    @probe
    async def echo() -> AsyncGenerator[str, str]:
        said = "ready"
        while True:
            try:
                said = f"heard {yield said}"
            except KeyError as error:
                said = f"caught {error.args[0]}"

    async def work() -> list[str]:
        items = echo()
        got = [await anext(items), await items.asend("a"), await items.athrow(KeyError("b")), await items.asend("c")]
        await items.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(items)
        return got

    assert each_way(work) == [["ready", "heard a", "caught b", "heard c"]] * 2


def test_an_exception_that_leaves_an_async_generator_ends_it() -> None:
    @probe
    async def failing() -> AsyncGenerator[int, None]:
        yield 1
        raise KeyError

    async def work() -> None:
        with pytest.raises(KeyError):
            await _taken(failing())

    assert named(inside(work), "failing").status == "error"


def test_an_async_generator_that_raises_while_it_is_closed_raises_that() -> None:
    @probe
    async def breaking() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            raise KeyError("at the end")

    async def work() -> None:
        items = breaking()
        await anext(items)
        with pytest.raises(KeyError, match="at the end"):
            await items.aclose()

    assert named(inside(work), "breaking").status == "error"


def test_the_event_loops_hooks_for_async_generators_are_as_they_were() -> None:
    async def work() -> None:
        import sys

        before = sys.get_asyncgen_hooks()
        items = acount(2)
        await anext(items)
        assert sys.get_asyncgen_hooks() == before
        await items.aclose()

    inside(work)


def test_awaitables_of_a_class_pass_through_a_sync_probe() -> None:
    """A function that returns an awaitable is no coroutine function: its call ends when it returns."""

    @probe
    def make() -> Awaitable[int]:
        return later(5)

    async def work() -> int:
        return await make()

    assert each_way(work) == [5, 5]
    assert outline(inside(work)) == ["make", "later"]
