"""Random programs, as syntax trees: small functions of every kind that call each other, and say what they do.

A program never runs for long: loops are over a few items, calls go to functions defined before. What it does is told by
``note``, a function of the runner's, and by what it returns, yields and raises.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLES = ("a", "b", "c")
ERRORS = ("ValueError", "KeyError", "ArithmeticError")
KINDS = ("function", "generator", "coroutine", "async_generator")


@dataclass(frozen=True)
class Place:
    """Where a statement stands: what may be written there."""

    kind: str
    callables: tuple[tuple[str, str], ...]  # functions that may be called, with their kinds
    depth: int = 0
    in_loop: bool = False
    in_finally: bool = False
    in_star: bool = False

    @property
    def is_async(self) -> bool:
        return self.kind in {"coroutine", "async_generator"}

    @property
    def yields(self) -> bool:
        return self.kind in {"generator", "async_generator"}

    def deeper(self, **changes: Any) -> Place:
        return replace(self, depth=self.depth + 1, **changes)

    def names(self, *kinds: str) -> list[str]:
        return [name for name, kind in self.callables if kind in kinds]


Draw = Any

# Expressions; {} stands for one within, $v for a variable, $n for a number.
SIMPLE = (
    "$n", "$v", "note($n)", "len([x for x in range(2) if note(x) or $v])", "len(locals())", "len(sorted(vars()))",
    "(lambda x=$v: x)()",
)  # fmt: skip
COMPOUND = ("({} + {})", "({} if {} else {})", "({} and\n {})", "($v := {})", "(1 / {})", "len([{},\n {}])")


def expression(draw: Draw, place: Place, depth: int = 0) -> str:
    """As text: it is parsed with the statement around it."""
    options = [*SIMPLE, *(_with_parts(place) if depth < 2 else ())]
    return _filled(draw, draw(st.sampled_from(options)), place, depth + 1)


def _with_parts(place: Place) -> list[str]:
    options = [*COMPOUND, *(f"{name}({{}}, {{}})" for name in place.names("function"))]
    options += [f"len(list({name}({{}}, {{}})))" for name in place.names("generator")]
    if place.is_async:
        options += ["(await pause())", *(f"(await {name}({{}}, {{}}))" for name in place.names("coroutine"))]
        options += [f"len([x async for x in {name}({{}}, {{}})])" for name in place.names("async_generator")]
    if place.yields and not place.in_finally:
        options += ["(yield {})", "(yield)"]
    if place.kind == "generator":
        options += ["(yield from [1, note(2)])"]
        options += [f"(yield from {name}({{}}, 1))" for name in place.names("generator")]
    return options


def _filled(draw: Draw, template: str, place: Place, depth: int = 0) -> str:
    text = template.replace("$v", draw(st.sampled_from(VARIABLES))).replace("$n", str(draw(st.integers(0, 3))))
    while "{}" in text:
        text = text.replace("{}", expression(draw, place, depth), 1)
    return text


def body(draw: Draw, place: Place) -> str:
    count = draw(st.integers(1, 3))
    return "\n".join(statement(draw, place) for _ in range(count))


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


STATEMENTS = (
    "$v = {}", "$v += {}", "{}", "$v: int = {}", "del $v", "assert {}, {}", "note('here', *sorted(locals()))", "pass",
    *(f"raise {error}({{}})" for error in ERRORS),
)  # fmt: skip


def statement(draw: Draw, place: Place) -> str:
    options: list[str | Callable[[Draw, Place], str]] = [*STATEMENTS]
    if not place.in_star:
        options.append("return" if place.kind == "async_generator" else "return {}")
    if place.in_loop and not place.in_star:
        options += ["break", "continue"]
    if place.depth < 3:
        options += [_if, _for, _while, _try, _try_star, _with, _match, _def]
    chosen = draw(st.sampled_from(options))
    return _filled(draw, chosen, place) if isinstance(chosen, str) else str(chosen(draw, place))


def _if(draw: Draw, place: Place) -> str:
    text = f"if {expression(draw, place)}:\n{indented(body(draw, place.deeper()))}"
    return text + (f"\nelse:\n{indented(body(draw, place.deeper()))}" if draw(st.booleans()) else "")


def _for(draw: Draw, place: Place) -> str:
    variable = draw(st.sampled_from(VARIABLES))
    inner = indented(body(draw, place.deeper(in_loop=True, in_star=False)))
    over = draw(st.sampled_from(["range(2)", *(f"{name}(1, 2)" for name in place.names("generator"))]))
    word = "for"
    if place.is_async and place.names("async_generator") and draw(st.booleans()):
        word, over = "async for", f"{draw(st.sampled_from(place.names('async_generator')))}(1, 2)"
    text = f"{word} {variable} in {over}:\n{inner}"
    return text + (f"\nelse:\n{indented(body(draw, place.deeper()))}" if draw(st.booleans()) else "")


def _while(draw: Draw, place: Place) -> str:
    inner = indented(body(draw, place.deeper(in_loop=True, in_star=False)))
    return f"while fuel():\n{inner}"


def _try(draw: Draw, place: Place) -> str:
    text = f"try:\n{indented(body(draw, place.deeper()))}"
    handlers = draw(st.integers(0, 2))
    for number in range(handlers):
        name = " as error" if draw(st.booleans()) else ""
        text += f"\nexcept {ERRORS[number]}{name}:\n{indented(body(draw, place.deeper()))}"
        text += "\n    raise" if draw(st.booleans()) else ""
    if handlers and draw(st.booleans()):
        text += f"\nelse:\n{indented(body(draw, place.deeper()))}"
    if not handlers or draw(st.booleans()):
        text += f"\nfinally:\n{indented(body(draw, place.deeper(in_finally=True)))}"
    return text


def _try_star(draw: Draw, place: Place) -> str:
    inner = indented(body(draw, place.deeper(in_star=True, in_loop=False)))
    return f"try:\n{indented(body(draw, place.deeper()))}\nexcept* {draw(st.sampled_from(ERRORS))}:\n{inner}"


def _with(draw: Draw, place: Place) -> str:
    swallows = draw(st.booleans())
    word = "async with" if place.is_async and draw(st.booleans()) else "with"
    return f"{word} managed({swallows}) as {draw(st.sampled_from(VARIABLES))}:\n{indented(body(draw, place.deeper()))}"


def _match(draw: Draw, place: Place) -> str:
    first, second = (indented(indented(body(draw, place.deeper()))) for _ in range(2))
    return f"match {expression(draw, place)}:\n    case 0 | [_, *a]:\n{first}\n    case b if b:\n{second}"


def _def(draw: Draw, place: Place) -> str:
    """A function within: it sees the variables of the one around it, and may change one."""
    kind = draw(st.sampled_from(KINDS[:2]))
    inner = Place(kind, place.callables, place.depth + 1)
    shared = draw(st.sampled_from(VARIABLES))
    word = "return" if kind == "function" else "yield"
    text = indented(f"nonlocal {shared}\n{body(draw, inner)}\n{word} {shared}")
    call = "inner()" if kind == "function" else "list(inner())"
    return f"def inner():\n{text}\nnote({call})"


def _function(draw: Draw, name: str, kind: str, callables: tuple[tuple[str, str], ...]) -> str:
    place = Place(kind, callables)
    text = body(draw, place)
    text = f"{text}\nyield a" if place.yields else text
    doc = '"""Says what it is for."""\n' if draw(st.booleans()) else ""
    word = "async def" if place.is_async else "def"
    decorated = "@decorated\n" if draw(st.booleans()) else ""
    begin = f"note('{name}')\n"  # so that calls of calls of calls come to an end
    return f"{decorated}{word} {name}(a, b=1, *, c=2):\n{indented(doc + begin + text)}"


@st.composite
def programs(draw: Draw) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A module's source, through its syntax tree, and its functions with their kinds."""
    functions: tuple[tuple[str, str], ...] = ()
    texts: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(KINDS))
        texts.append(_function(draw, f"f{number}", kind, functions))
        functions = (*functions, (f"f{number}", kind))
    return "\n\n".join(["def decorated(function):\n    return function", *texts]) + "\n", functions
