"""Nodes to a condition in SQL.

Every value is bound; the only text put together is fixed and comes from the layout. Negation is pushed down to single
comparisons, so that the others stand bare in the WHERE and can use an index. What SQL cannot tell (how long a span
took) is let through in both polarities: the result is then a superset, which ``match.matches`` narrows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .fields import JSON_FIELDS, FieldKind, Subject
from .nodes import AllOf, AnyOf, Compare, Like, Node, Not, OneOf, SpanWith

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Column", "Condition", "Layout", "Value", "compile_node"]

Value: TypeAlias = "str | int | float | bytes | None"
Condition: TypeAlias = "tuple[str, tuple[Value, ...]]"

_ALWAYS: Condition = ("1", ())
_NEVER: Condition = ("0", ())


def _same(value: str | float) -> Value:
    return value


@dataclass(frozen=True, slots=True)
class Column:
    """How a table holds a field.

    ``sql`` is an expression that yields the field's value as the filter knows it (text, integer, NULL for none). Where
    ``exact`` is given, equality and choices compare that instead, with the value passed through ``encode``, so that an
    index on a compact form can serve; ``encode`` returns None for a value that cannot occur.
    """

    sql: str
    exact: str = ""
    encode: Callable[[str | float], Value] = _same


def _plain_columns() -> Mapping[str, Column]:
    return {name: Column(f"requests.{name}") for name in JSON_FIELDS}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a store holds what filters ask for.

    ``attributes`` and ``spans`` open a condition that a sub-select answers: of the request's attributes of one name,
    which is bound to the one ``?`` in it, and of its spans. Further terms and a parenthesis close it, so it may begin
    with IN or with EXISTS, whichever the indexes serve. ``attribute_text`` and ``attribute_number`` yield what the
    functions of those names in ``match`` give (NULL for None), ``span_name`` the span's name.
    """

    columns: Mapping[str, Column] = field(default_factory=_plain_columns)
    attributes: str = "requests.rowid IN (SELECT attributes.request FROM attributes WHERE attributes.key = ?"
    attribute_text: str = "attributes.text"
    attribute_number: str = "attributes.number"
    spans: str = "requests.rowid IN (SELECT spans.request FROM spans WHERE 1"
    span_name: str = "spans.name"


def compile_node(node: Node, layout: Layout) -> Condition:
    """The condition for a WHERE, and what to bind to it."""
    return _compile(node, layout, wanted=True)


def _compile(node: Node, layout: Layout, *, wanted: bool) -> Condition:
    match node:
        case Not():
            return _compile(node.node, layout, wanted=not wanted)
        case AllOf():
            return _joined(node.nodes, layout, " AND " if wanted else " OR ", wanted=wanted)
        case AnyOf():
            return _joined(node.nodes, layout, " OR " if wanted else " AND ", wanted=wanted)
        case SpanWith():
            return _span(node, layout, wanted=wanted)
        case Compare() | Like() | OneOf():
            return _polarised(_single(node, layout), wanted=wanted)


def _joined(nodes: tuple[Node, ...], layout: Layout, word: str, *, wanted: bool) -> Condition:
    parts = [_compile(node, layout, wanted=wanted) for node in nodes]
    if not parts:
        return _ALWAYS if word == " AND " else _NEVER
    return "(" + word.join(sql for sql, _ in parts) + ")", tuple(value for _, values in parts for value in values)


def _polarised(condition: Condition, *, wanted: bool) -> Condition:
    """The condition or its negation, in which an unknown outcome counts as false."""
    return condition if wanted else (f"({condition[0]}) IS NOT 1", condition[1])


def _single(node: Compare | Like | OneOf, layout: Layout) -> Condition:
    if isinstance(node, OneOf):
        return _one_of(node, layout.columns[node.field.name])
    if node.field.subject is Subject.ATTRIBUTE:
        return _attribute(node, layout)
    return _leaf(node, layout.columns[node.field.name])


def _leaf(node: Compare | Like, column: Column) -> Condition:
    if isinstance(node, Like):
        return (f"{column.sql} IS NOT NULL", ()) if node.pattern == "*" else (f"{column.sql} GLOB ?", (node.pattern,))
    if node.operator != "=":
        return f"{column.sql} {node.operator} ?", (node.value,)
    value = column.encode(node.value)
    return _NEVER if value is None else (f"{column.exact or column.sql} = ?", (value,))


def _one_of(node: OneOf, column: Column) -> Condition:
    values = tuple(value for value in map(column.encode, node.values) if value is not None)
    return f"{column.exact or column.sql} IN ({', '.join('?' * len(values))})", values


def _attribute(node: Compare | Like, layout: Layout) -> Condition:
    is_order = isinstance(node, Compare) and node.operator != "="
    sql, values = _leaf(node, Column(layout.attribute_number if is_order else layout.attribute_text))
    return f"{layout.attributes} AND {sql})", (node.field.key, *values)


def _span(node: SpanWith, layout: Layout, *, wanted: bool) -> Condition:
    names = [_leaf(leaf, Column(layout.span_name)) for leaf in node.conditions if leaf.field.kind is FieldKind.TEXT]
    if not names or (len(names) < len(node.conditions) and not wanted):
        return _ALWAYS
    sql = " AND ".join((layout.spans, *(sql for sql, _ in names)))
    values = tuple(value for _, values in names for value in values)
    return _polarised((f"{sql})", values), wanted=wanted)
