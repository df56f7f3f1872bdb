"""The filter grammar: text to a frozen tree, and the tree to SQL or to a decision on decoded data."""

from .error import FilterError
from .fields import FIELDS, JSON_FIELDS, Field, FieldKind, lookup
from .filter import Filter, parse
from .match import attribute_number, attribute_text
from .sql import Column, Layout
from .values import duration, moment

__all__ = [
    "FIELDS",
    "JSON_FIELDS",
    "Column",
    "Field",
    "FieldKind",
    "Filter",
    "FilterError",
    "Layout",
    "attribute_number",
    "attribute_text",
    "duration",
    "lookup",
    "moment",
    "parse",
]
