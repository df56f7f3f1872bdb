"""What a site id of a segment stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .value import Attributes, AttributeValue


class DefinitionKind(IntEnum):
    """Kinds of definition; the numbers are the wire's."""

    NAME = 1
    CODE = 2
    ROUTE = 3
    RESOURCE = 4
    SHED = 10


class FunctionKind(IntEnum):
    """Kinds of probed function; the numbers are the wire's."""

    FUNCTION = 0
    COROUTINE = 1
    GENERATOR = 2
    ASYNC_GENERATOR = 3


@dataclass(frozen=True, slots=True)
class Definition:
    """A name, code site, route template, resource or account of what is shed that records refer to by number.

    ``name`` is the name, the qualified function name or the template. ``module``, ``file`` and ``line`` are set for
    code sites only, ``attributes`` for the resource and for what is shed.
    """

    kind: DefinitionKind
    name: str
    module: str = ""
    file: str = ""
    line: int = 0
    function_kind: FunctionKind = FunctionKind.FUNCTION
    attributes: Attributes = field(default_factory=dict[str, "AttributeValue"])
