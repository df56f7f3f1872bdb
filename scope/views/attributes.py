"""What a span carries, in few words for a line of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..model import Cut, Instance, ObjectName, Part, Redacted

if TYPE_CHECKING:
    from ..model import Attributes, AttributeValue

__all__ = ["bare_or_quoted", "brief_attributes", "value_text"]

_BYTES_SHOWN = 16
_BARE = re.compile(r"[^\s\"'=,\[\]{}]+")
_LIKE_ANOTHER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)|null|true|false")


def brief_attributes(attributes: Attributes, *, value_length: int | None = None) -> str:
    """``key=value`` with blanks between; values of more than ``value_length`` characters are cut."""
    return " ".join(
        f"{bare_or_quoted(key)}={_cut(value_text(value), value_length)}" for key, value in attributes.items()
    )


def value_text(value: AttributeValue) -> str:
    """One value: text bare where it cannot be taken for another value, what was withheld or cut said so."""
    match value:
        case Cut():
            return f"{bare_or_quoted(value.text)}… ({value.length} characters)"
        case Redacted():
            return "‹redacted›"
        case ObjectName():
            return f"<{value.type_name}>"
        case Instance():
            return f"{value.type_name}({_instance_text(value)})"
        case Part():
            return _part_text(value)
        case tuple():
            return f"[{', '.join(map(value_text, value))}]"
        case Mapping():
            return "{" + ", ".join(f"{bare_or_quoted(key)}: {value_text(item)}" for key, item in value.items()) + "}"
        case _:
            return _scalar_text(value)


def _instance_text(value: Instance) -> str:
    told = [f"{name}={value_text(item)}" for name, item in value.attributes.items()]
    return ", ".join([*told, *["…"] * value.is_part])


def _part_text(value: Part) -> str:
    """A list or map as ever, and before its end how much more there was."""
    text = value_text(value.items)
    comma = ", " if value.items else ""
    return f"{text[:-1]}{comma}… {max(0, value.length - len(value.items))} more{text[-1]}"


def _scalar_text(value: float | str | bytes | None) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return _quoted(value) if _LIKE_ANOTHER.fullmatch(value) else bare_or_quoted(value)
        case bytes():
            return f"{value[:_BYTES_SHOWN].hex(' ')}{'…' * (len(value) > _BYTES_SHOWN)} ({len(value)} B)"
        case _:
            return repr(value)


def bare_or_quoted(text: str) -> str:
    """Text, bare where nothing in it could be taken for what stands around it."""
    return text if _BARE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _cut(text: str, length: int | None) -> str:
    return text if length is None or len(text) <= length else text[: length - 1] + "…"
