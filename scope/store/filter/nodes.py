"""What a filter says, as a tree of frozen nodes.

``!=`` is not among the comparisons: it is the negation of equality, so that a field without a value differs from any.
A node is true or false and never unknown: a comparison with a field that has no value is false.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeGuard

from .fields import Subject

if TYPE_CHECKING:
    from .fields import Field

__all__ = ["AllOf", "AnyOf", "Compare", "Like", "Node", "Not", "OneOf", "Operator", "Scalar", "SpanWith", "is_of_span"]

Operator: TypeAlias = Literal["=", "<", "<=", ">", ">="]
Scalar: TypeAlias = "str | int | float"


@dataclass(frozen=True, slots=True)
class Compare:
    """``field`` compared with ``value``: nanoseconds, bytes, a count, 0 or 1 for a flag, or text (equality only)."""

    field: Field
    operator: Operator
    value: Scalar


@dataclass(frozen=True, slots=True)
class Like:
    """``field`` matches ``pattern``: ``*`` any run, ``?`` any character, ``[x]`` the character x itself."""

    field: Field
    pattern: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """``field``, a choice, is one of ``values``."""

    field: Field
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of ``nodes`` holds."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of ``nodes`` holds."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``node`` does not hold."""

    node: Node


@dataclass(frozen=True, slots=True)
class SpanWith:
    """One and the same span of the request meets every one of ``conditions``."""

    conditions: tuple[Compare | Like, ...]


Node: TypeAlias = "Compare | Like | OneOf | AllOf | AnyOf | Not | SpanWith"


def is_of_span(node: Node) -> TypeGuard[Compare | Like]:
    """Whether ``node`` is a condition on a span, not yet part of a :class:`SpanWith`."""
    return isinstance(node, Compare | Like) and node.field.subject is Subject.SPAN
