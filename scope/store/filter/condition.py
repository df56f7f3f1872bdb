"""One ``field operator value`` made into a node; ValueError says what is wrong with the value or the operator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from . import values
from .fields import Field, FieldKind, lookup
from .nodes import AllOf, AnyOf, Compare, Like, Node, Not, OneOf, Operator, SpanWith, is_of_span

if TYPE_CHECKING:
    from .scanner import Piece

__all__ = ["condition"]

_EQUALITY = frozenset({":", "=", "!="})
_TEXTUAL = frozenset({FieldKind.TEXT, FieldKind.TYPE, FieldKind.CHOICE, FieldKind.FLAG})
_STATUS_CLASS = re.compile(r"([1-9])(?:xx|\*)", re.IGNORECASE)


def condition(field: Field, name: str, operator: str, value: Piece, now_ns: int) -> Node:
    """The node for ``field``, which was written as ``name``."""
    if operator not in _EQUALITY and (field.kind in _TEXTUAL or field.stands_for):
        raise ValueError(f"{name} is a {field.kind.value} and takes no {operator}: use : or !=")
    if field.stands_for is not None:
        return _bound(field, name, operator, value, now_ns)
    if operator in _EQUALITY:
        node = _equal(field, name, value, now_ns)
        return _negated(node) if operator == "!=" else node
    number = _number(field, name, value.text, now_ns)
    return Compare(field, cast("Operator", operator), number)


def _negated(node: Node) -> Not:
    return Not(SpanWith((node,)) if is_of_span(node) else node)


def _bound(field: Field, name: str, operator: str, value: Piece, now_ns: int) -> Node:
    if operator == "!=":
        raise ValueError(f"{name} takes no !=: put - before it")
    assert field.stands_for is not None
    target = lookup(field.stands_for[0])
    assert target is not None
    return Compare(target, cast("Operator", field.stands_for[1]), values.moment(value.text, now_ns))


def _equal(field: Field, name: str, value: Piece, now_ns: int) -> Node:
    if field.kind is FieldKind.CHOICE:
        return OneOf(field, values.choice(value.text, field.choices))
    if field.kind is FieldKind.TYPE:
        return _type_name(field, value)
    if field.kind in {FieldKind.TEXT, FieldKind.ATTRIBUTE}:
        return _text(field, value)
    if value.text == "*" and not value.literal:
        return Compare(field, ">=", 0)
    status_class = _STATUS_CLASS.fullmatch(value.text) if field.kind is FieldKind.STATUS else None
    if status_class:
        first = int(status_class[1]) * 100
        return AllOf((Compare(field, ">=", first), Compare(field, "<", first + 100)))
    return Compare(field, "=", _number(field, name, value.text, now_ns))


def _text(field: Field, value: Piece) -> Compare | Like:
    if values.has_wildcard(value.text) and not value.literal:
        return Like(field, values.pattern(value.text))
    return Compare(field, "=", value.text)


def _type_name(field: Field, value: Piece) -> Node:
    """The type's whole name or what follows a dot in it: ``TimeoutError`` finds ``asyncio.TimeoutError``."""
    whole = _text(field, value)
    pattern = whole.pattern if isinstance(whole, Like) else values.escape(value.text)
    return AnyOf((whole, Like(field, f"*.{pattern}")))


def _number(field: Field, name: str, text: str, now_ns: int) -> int | float:
    match field.kind:
        case FieldKind.DURATION:
            return values.duration(text, bare_ns=name.endswith("_ns"))
        case FieldKind.TIME:
            return values.moment(text, now_ns)
        case FieldKind.BYTES:
            return values.size(text)
        case FieldKind.FLAG:
            return values.flag(text)
        case FieldKind.ATTRIBUTE:
            return values.real(text)
        case _:
            return values.count(text)
