"""An exception is described within bounds, and describing it never becomes a failure of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scope.capture import exceptions
from scope.capture.cut import cut, cut_front
from scope.capture.exception_message import type_name
from scope.capture.exceptions import ExceptionLimits, describe, is_in_app

if TYPE_CHECKING:
    from collections.abc import Callable


class Custom(Exception):
    """Defined here, so that its name has a module."""


def raised(error: BaseException, depth: int = 0) -> BaseException:
    """``error`` with a traceback of ``depth + 2`` frames."""

    def down(left: int) -> NoReturn:
        if left:
            down(left - 1)
        raise error

    try:
        down(depth)
    except BaseException as same:  # noqa: BLE001 - it is the one
        return same


def message(error: BaseException, limits: ExceptionLimits = exceptions.DEFAULT_LIMITS) -> str:
    return describe(error, limits)[1]


# --- the type --------------------------------------------------------------------------------------------------------


def test_a_built_in_exception_is_named_without_its_module() -> None:
    assert describe(ValueError("x"))[0] == "ValueError"


def test_any_other_is_named_with_it() -> None:
    assert describe(Custom())[0] == f"{__name__}.Custom"
    assert describe(json.JSONDecodeError("x", "y", 0))[0] == "json.decoder.JSONDecodeError"


def test_a_name_that_a_metaclass_makes_up_is_not_asked_for() -> None:
    class Liar(type):
        def __getattribute__(cls, name: str) -> Any:
            raise RuntimeError(name)

    class Odd(Exception, metaclass=Liar):
        pass

    name, text, _ = describe(Odd("x"))
    assert name.endswith(".Odd")
    assert text == "<str() raised RuntimeError>"


def test_a_module_that_is_no_text_is_left_out() -> None:
    odd = type("Odd", (Exception,), {"__module__": 3})
    assert type_name(odd()) == "Odd"


def test_a_long_name_keeps_its_end() -> None:
    name = type_name(type("x" * 1000 + "End", (Exception,), {})())
    assert name.endswith("xEnd")
    assert len(name.encode()) <= 256


# --- the message -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no such thing"), "no such thing"),
        (ValueError(), ""),
        (ValueError(3), "3"),
        (ValueError(None), "None"),
        (ValueError("a", 1), "('a', 1)"),
        (ValueError(Path("/a")), "/a"),
        (ValueError(ValueError("inner")), "inner"),
        (KeyError("x"), "'x'"),
        (KeyError("x", "y"), "('x', 'y')"),
        (OSError(2, "No such file", "/a"), "[Errno 2] No such file: '/a'"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "'utf-8' codec can't decode byte 0xff in position 0: bad"),
        (StopIteration(5), "5"),
        (ValueError("caf\N{LATIN SMALL LETTER E WITH ACUTE}"), "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        (ValueError("lone \ud800"), "lone ?"),
        (ValueError([1, {"a": (2,)}]), "[1, {'a': (2,)}]"),
    ],
)
def test_a_message_is_what_people_know(error: BaseException, expected: str) -> None:
    assert message(error) == expected


def test_a_message_of_a_class_of_its_own_is_asked_for() -> None:
    class Own(Exception):
        def __str__(self) -> str:
            return "own words"

    assert message(Own("other")) == "own words"


HUGE: dict[str, Callable[[], BaseException]] = {
    "word": lambda: ValueError("x" * 10_000_000),
    "words": lambda: ValueError("x " * 1_000_000),
    "list": lambda: ValueError(list(range(1_000_000))),
    "nested": lambda: ValueError([[["x" * 50] * 50] * 50] * 50),
    "second": lambda: ValueError("x", "y" * 1_000_000),
    "key": lambda: KeyError("x" * 1_000_000),
    "bytes": lambda: KeyError(b"x" * 1_000_000),
    "integer": lambda: ValueError(10**4000),
    "wide": lambda: ValueError("\N{GRINNING FACE}" * 100_000),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_message_is_cut(name: str) -> None:
    assert 20 <= len(message(HUGE[name]()).encode()) <= 1024


def test_an_integer_too_long_to_print_is_told_of() -> None:
    assert message(ValueError(10**5000)).startswith("<str() raised ValueError>")


@pytest.mark.parametrize(
    "problem",
    [RuntimeError("no"), MemoryError(), RecursionError(), GeneratorExit(), asyncio.CancelledError()],
    ids=type_name,
)
def test_what_str_raises_is_told_instead(problem: BaseException) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise problem

    assert message(Broken()) == f"<str() raised {type_name(problem)}>"


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_not_swallowed(interrupt: type[BaseException]) -> None:
    class Interrupted(Exception):
        def __str__(self) -> str:
            raise interrupt

    class InterruptedBelow(Exception):
        @property
        def __cause__(self) -> Any:  # type: ignore[override]
            raise interrupt

    for error in (Interrupted(), _caused(ValueError(), Interrupted()), InterruptedBelow()):
        with pytest.raises(interrupt):
            describe(error)


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals come to the main thread")
def test_a_signal_while_the_message_is_made_gets_through() -> None:
    class Slow(Exception):
        def __str__(self) -> str:
            os.kill(os.getpid(), signal.SIGINT)
            return "slow"

    with pytest.raises(KeyboardInterrupt):
        describe(Slow())


def test_a_text_with_ideas_of_its_own_is_read_as_text() -> None:
    class Hostile(str):
        __slots__ = ()

        def __len__(self) -> int:
            raise RuntimeError

        def __getitem__(self, key: Any) -> str:
            raise RuntimeError

        def isascii(self) -> bool:
            raise RuntimeError

    class Own(Exception):
        def __str__(self) -> str:
            return Hostile("text")

    for error in (ValueError(Hostile("text")), Own()):
        text = message(error)
        assert (type(text), str.__eq__(text, "text")) == (str, True)


def test_attributes_that_fail_cost_only_what_they_would_have_told() -> None:
    class Broken(Exception):
        @property
        def __cause__(self) -> Any:  # type: ignore[override]
            raise RuntimeError

        @property
        def __traceback__(self) -> Any:  # type: ignore[override]
            raise RuntimeError

        @property
        def args(self) -> Any:  # type: ignore[override]
            raise RuntimeError

    assert describe(Broken("x")) == (type_name(Broken()), "<str() raised RuntimeError>", [])


def test_a_secret_is_masked_before_a_cut_and_a_cut_falls_before_a_word_and_a_number() -> None:
    """Half a card number or half a key would not be recognised as a secret any more."""
    short = ExceptionLimits(message_bytes=24)
    assert message(ValueError("paid with 4111 1111 1111 1111"), short) == "paid with [redacted]"
    assert message(ValueError("paid with 4111 1111 1111 1112"), short) == "paid with…"
    token = f"eyJhbGciOiJIUzI1NiJ9.{'e' * 90}.{'c' * 40}"
    assert message(ValueError({"note": [f"say {token}"]}), ExceptionLimits()) == "{'note': ['say [redacted]']}"
    assert message(ValueError("token is abcdefghijklmnopqrstuvwxyz"), ExceptionLimits(message_bytes=24)) == "token is…"


# --- causes and groups -----------------------------------------------------------------------------------------------


def _caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def test_the_causes_are_told_nearest_first() -> None:
    error = _caused(ValueError("a"), _caused(TypeError("b"), KeyError("c")))
    assert message(error) == "a (caused by TypeError: b) (caused by KeyError: 'c')"


def test_what_was_being_handled_is_told() -> None:
    error = ValueError("a")
    error.__context__ = KeyError()
    assert message(error) == "a (while handling KeyError)"


def test_a_suppressed_context_is_not_told() -> None:
    error = ValueError("a")
    error.__context__ = KeyError("b")
    error.__cause__ = None
    assert message(error) == "a"


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("a"), TypeError("b")
    _caused(first, second)
    _caused(second, first)
    assert message(first) == "a (caused by TypeError: b)"


def test_of_many_causes_a_few_are_told() -> None:
    error: BaseException = ValueError("0")
    for number in range(1, 50):
        error = _caused(ValueError(str(number)), error)
    assert message(error).count("caused by") == 3


def test_the_first_members_of_a_group_are_told() -> None:
    group = ExceptionGroup("several", [ValueError("a"), KeyError("b"), TypeError("c"), TypeError("d")])
    assert message(group) == "several (4 sub-exceptions) [ValueError: a] [KeyError: 'b'] [TypeError: c]"
    assert describe(BaseExceptionGroup("x", [KeyboardInterrupt()]))[1] == "x (1 sub-exception) [KeyboardInterrupt]"


def test_the_message_and_its_causes_share_the_room() -> None:
    text = message(_caused(ValueError("x" * 500), KeyError("y" * 500)), ExceptionLimits(message_bytes=300))
    assert len(text.encode()) <= 300
    assert text.startswith("xxx")
    assert "(caused by KeyError: 'yyy" in text


@given(st.text(), st.integers(0, 64))
def test_any_cut_text_is_text_within_its_bounds(text: str, size: int) -> None:
    for result in (cut(text, size), cut_front(text, size)):
        assert len(result.encode()) <= size
    if len(text.encode("utf-8", "replace")) <= size:
        assert cut(text, size) == cut_front(text, size) == text.encode("utf-8", "replace").decode()


# --- the stack -------------------------------------------------------------------------------------------------------


def test_frames_are_told_outermost_first() -> None:
    frames = describe(raised(ValueError(), depth=1))[2]
    assert [(Path(file).name, name.rpartition(".")[2]) for file, name, _, _ in frames] == [
        ("test_exceptions.py", "raised"),
        ("test_exceptions.py", "down"),
        ("test_exceptions.py", "down"),
    ]
    assert frames[1][1] == "raised.<locals>.down"
    assert frames[1][2] < frames[2][2]


def test_an_exception_that_was_never_raised_has_no_frames() -> None:
    assert describe(ValueError())[2] == []


@pytest.mark.parametrize("most", [0, 1, 2, 3, 4, 5, 8, 32])
@pytest.mark.parametrize("depth", [0, 1, 2, 6, 30, 200])
def test_a_deep_stack_keeps_its_ends(depth: int, most: int) -> None:
    error = raised(ValueError(), depth)
    frames = describe(error, ExceptionLimits(frames=most))[2]
    whole = describe(error, ExceptionLimits(frames=1000, stack_bytes=1_000_000))[2]
    assert len(whole) == depth + 2
    assert len(frames) == min(most, depth + 2)
    if len(whole) <= most:
        assert frames == whole
    elif most >= 4:
        outer, inner = most // 4, most - most // 4 - 1
        assert frames[:outer] == whole[:outer]
        assert frames[outer + 1 :] == whole[-inner:]
        assert frames[outer] == ("", f"… {len(whole) - outer - inner} frames …", 0, False)
    elif most:
        assert frames == whole[-most:]


def test_long_names_are_cut_so_that_the_stack_fits() -> None:
    name = "n" * 500
    space: dict[str, Any] = {}
    exec(compile(f"def {name}(f):\n    f()", "/srv/" + "d" * 500 + "/app.py", "exec"), space)

    def fail() -> NoReturn:
        raise ValueError

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - it has no message
        space[name](fail)
    long, tight = (describe(caught.value, ExceptionLimits(stack_bytes=size))[2] for size in (6144, 300))
    assert [len(part) for part in long[1][:2]] == [240, 120]
    assert sum(len(file.encode()) + len(function.encode()) + 10 for file, function, _, _ in tight) <= 300
    assert tight[1][0].endswith("/app.py")
    assert tight[0][0].endswith("test_exceptions.py")


def test_the_standard_library_and_installed_packages_are_not_the_application(tmp_path: Path) -> None:
    assert is_in_app(__file__)
    assert is_in_app(str(tmp_path / "main.py"))
    foreign = [json.__file__, pytest.__file__, exceptions.__file__, "<frozen importlib._bootstrap>", "<string>"]
    assert [file for file in [*foreign, "/usr/lib/python3/dist-packages/x.py"] if is_in_app(file)] == []


def test_each_frame_says_whose_it_is() -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")
    frames = describe(caught.value)[2]
    assert [in_app for _, _, _, in_app in frames] == [True, *[False] * (len(frames) - 1)]
    assert len(frames) > 1


def test_no_source_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise AssertionError

    error = raised(_caused(ValueError("x"), KeyError("y")), 50)
    with monkeypatch.context() as patched:
        for function in ("builtins.open", "os.open", "linecache.getlines", "linecache.getline", "tokenize.open"):
            patched.setattr(function, refuse)
        name, text, frames = describe(error)
    assert (name, text, len(frames)) == ("ValueError", "x (caused by KeyError: 'y')", 32)
