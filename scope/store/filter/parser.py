"""Text to nodes.

    filter    := all ("OR" all)*               item    := "-"* primary
    all       := item+                         primary := "(" filter ")" | condition
    condition := NAME operator VALUE           operator := : = != > >= < <=

Terms side by side are AND, which binds closer than OR. ``:`` and ``=`` are the same: ``*`` and ``?`` in their value are
wildcards unless it stands in quotes. A ``span.dur`` is about the span that the ``span`` before it in the same group
names, else about that of the first ``span``, else about any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .condition import condition
from .fields import FIELDS, Field, FieldKind, lookup
from .nodes import AllOf, AnyOf, Node, Not, SpanWith, is_of_span
from .scanner import Piece, Scanner

if TYPE_CHECKING:
    from .nodes import Compare, Like

__all__ = ["parse_nodes"]

_MAX_LENGTH, _MAX_DEPTH, _MAX_TERMS = 4096, 32, 200


def parse_nodes(text: str, now_ns: int) -> Node:
    """The node that ``text`` says; FilterError where it cannot be understood."""
    return _Parser(text, now_ns).parse()


class _Parser:
    def __init__(self, text: str, now_ns: int) -> None:
        self._scanner = Scanner(text)
        self._now_ns = now_ns
        self._terms = 0

    def parse(self) -> Node:
        scanner = self._scanner
        if len(scanner.text) > _MAX_LENGTH:
            scanner.fail(f"the filter is longer than {_MAX_LENGTH} characters")
        if scanner.at_end():
            return AllOf(())
        node = self._any(0)
        if not scanner.at_end():
            scanner.fail("this parenthesis was never opened")
        return node

    def _any(self, depth: int) -> Node:
        nodes = [self._all(depth)]
        while self._scanner.accept_or():
            nodes.append(self._all(depth))
        return nodes[0] if len(nodes) == 1 else AnyOf(tuple(nodes))

    def _all(self, depth: int) -> Node:
        scanner = self._scanner
        nodes: list[Node] = []
        while not (scanner.at_end() or scanner.next_is(")") or self._or_follows()):
            nodes.append(self._item(depth))
        if not nodes:
            scanner.fail("a condition is missing here, like status>=500")
        return _joined(nodes)

    def _or_follows(self) -> bool:
        position = self._scanner.position
        follows = self._scanner.accept_or()
        self._scanner.position = position
        return follows

    def _item(self, depth: int) -> Node:
        negated = False
        while self._scanner.accept("-"):
            negated = not negated
        node = self._primary(depth)
        return Not(_joined([node])) if negated else node

    def _primary(self, depth: int) -> Node:
        scanner = self._scanner
        if not scanner.next_is("("):
            return self._condition()
        opening = Piece("(", scanner.position, 1)
        if depth == _MAX_DEPTH:
            scanner.fail(f"parentheses are more than {_MAX_DEPTH} deep", opening)
        scanner.accept("(")
        node = self._any(depth + 1)
        if not scanner.accept(")"):
            scanner.fail("this parenthesis is never closed", opening)
        return node

    def _condition(self) -> Node:
        scanner = self._scanner
        self._terms += 1
        if self._terms > _MAX_TERMS:
            scanner.fail(f"the filter has more than {_MAX_TERMS} conditions")
        word = scanner.word()
        name = scanner.name()
        operator = scanner.operator() if name.text else None
        if operator is None:
            scanner.fail(_no_condition(word.text), word)
        field = self._field(name)
        value = scanner.value()
        if not value.text and not value.literal:
            scanner.fail(f"a value is missing after {name.text}{operator}", value)
        try:
            return condition(field, name.text, operator, value, self._now_ns)
        except ValueError as error:
            scanner.fail(str(error), value)

    def _field(self, name: Piece) -> Field:
        field = lookup(name.text)
        if field is None:
            self._scanner.fail(f"unknown field {name.text!r}{_suggestion(name.text)}", name)
        return field


def _joined(nodes: list[Node]) -> Node:
    """All of ``nodes``, their conditions on spans gathered span by span."""
    spans: list[list[Compare | Like]] = []
    others: list[Node] = []
    named = False
    for node in nodes:
        if not is_of_span(node):
            others.append(node)
        elif not spans or (node.field.kind is FieldKind.TEXT and named):
            spans.append([node])
        else:
            spans[-1].append(node)
        named = named or (is_of_span(node) and node.field.kind is FieldKind.TEXT)
    gathered = [*others, *(SpanWith(tuple(conditions)) for conditions in spans)]
    return gathered[0] if len(gathered) == 1 else AllOf(tuple(gathered))


def _no_condition(word: str) -> str:
    if word in {"AND", "and", "&&"}:
        return f"{word!r} is not needed: terms side by side are AND"
    if word in {"or", "||", "|"}:
        return f"{word!r} is no condition: alternatives are joined with OR"
    if not word.strip("()-"):
        return "a condition is missing here, like status>=500"
    return f"{word!r} is no condition: write field:value, like path:*{word.strip('()-')}*"


def _suggestion(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for the error only; a start must be fast

    names = [known for field in FIELDS for known in (field.name, *field.aliases)]
    close = get_close_matches(name.lower(), names, n=1)
    if close:
        return f": did you mean {close[0]!r}?"
    return f": fields are {', '.join(field.name for field in FIELDS)}"
