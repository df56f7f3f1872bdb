"""The one table of field names: what filters may ask for, what ``--json`` prints and what the reference lists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from ...model import Outcome, RequestKind, RequestState

if TYPE_CHECKING:
    from enum import IntEnum

__all__ = ["FIELDS", "JSON_FIELDS", "Field", "FieldKind", "Subject", "lookup"]


class FieldKind(Enum):
    """What a field's values are, which decides the operators and the units that go with it."""

    TEXT = "text"
    TYPE = "type name"
    CHOICE = "choice"
    FLAG = "true or false"
    COUNT = "number"
    STATUS = "HTTP status"
    BYTES = "size"
    DURATION = "duration"
    TIME = "time"
    ATTRIBUTE = "attribute"


class Subject(Enum):
    """What a condition is about: the request, one of its spans, or an attribute that any of its spans carries."""

    REQUEST = "request"
    SPAN = "span"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True, slots=True)
class Field:
    """A name of the vocabulary.

    ``choices`` are the values that a CHOICE may have. ``stands_for`` makes a name a bound on another field, as
    ``since`` is on ``start_ns``. ``key`` is the attribute's name where the field is ``attr.NAME``.
    """

    name: str
    kind: FieldKind
    help: str
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    subject: Subject = Subject.REQUEST
    stands_for: tuple[str, str] | None = None
    key: str = ""

    @property
    def stored(self) -> bool:
        """Whether it is a field of a request as JSON shows it, rather than a word of the grammar only."""
        return self.subject is Subject.REQUEST and self.stands_for is None


def _names(choices: type[IntEnum]) -> tuple[str, ...]:
    return tuple(choice.name.lower() for choice in choices)


_TEXT, _COUNT, _BYTES, _DURATION, _TIME = (
    FieldKind.TEXT,
    FieldKind.COUNT,
    FieldKind.BYTES,
    FieldKind.DURATION,
    FieldKind.TIME,
)

_ATTRIBUTE = Field("attr", FieldKind.ATTRIBUTE, "An annotation of any span, as attr.NAME", subject=Subject.ATTRIBUTE)

FIELDS = (
    Field("id", _TEXT, "Correlation id: the caller's X-Request-ID, else the trace id"),
    Field("trace_id", _TEXT, "W3C trace id, 32 hex digits", ("trace",)),
    Field("span_id", _TEXT, "Id of the request's own span, 16 hex digits"),
    Field("remote_parent_id", _TEXT, "The calling service's span id", ("parent",)),
    Field("kind", FieldKind.CHOICE, "What was traced", choices=(*_names(RequestKind), "unknown")),
    Field("method", _TEXT, "HTTP method"),
    Field("path", _TEXT, "Path as requested, without the query string"),
    Field("route", _TEXT, "Full template of the route that matched"),
    Field("status", FieldKind.STATUS, "HTTP status; 5xx stands for 500 to 599"),
    Field("state", FieldKind.CHOICE, "open, done, or aborted: its process died", choices=_names(RequestState)),
    Field("outcome", FieldKind.CHOICE, "How it ended", choices=_names(Outcome)),
    Field("start_ns", _TIME, "When it began, Unix time", ("start",)),
    Field("first_byte_ns", _TIME, "When the response began, Unix time", ("first_byte",)),
    Field("duration_ns", _DURATION, "From the first event to the last byte of the response", ("dur", "duration")),
    Field("background_ns", _DURATION, "Work after the last byte", ("background", "bg")),
    Field("loop_wait_ns", _DURATION, "Waiting for its event loop, which ran something else", ("loop_wait", "loopwait")),
    Field("thread_wait_ns", _DURATION, "Its calls' waiting for a thread, added up", ("thread_wait", "threadwait")),
    Field("longest_step_ns", _DURATION, "Longest time for which it held its event loop", ("longest_step", "step")),
    Field("error", FieldKind.TYPE, "Type of the exception that ended it, with or without its module", ("err",)),
    Field("spans", _COUNT, "Spans recorded"),
    Field("events", _COUNT, "Events recorded"),
    Field("errors", _COUNT, "Exceptions recorded"),
    Field("lost", _COUNT, "Events lost while it ran"),
    Field("complete", FieldKind.FLAG, "Nothing lost, both ends there"),
    Field("tracing_ns", _DURATION, "What recording it has cost its process", ("tracing",)),
    Field("bytes_in", _BYTES, "Body bytes received"),
    Field("bytes_out", _BYTES, "Body bytes sent"),
    Field("messages_in", _COUNT, "Messages received"),
    Field("messages_out", _COUNT, "Messages sent"),
    Field("pid", _COUNT, "Process that served it"),
    Field("service", _TEXT, "Service that served it"),
    Field("span", _TEXT, "Name of a span", ("span.name",), subject=Subject.SPAN),
    Field("span.dur", _DURATION, "Duration of a span", ("span.duration_ns", "span.duration"), subject=Subject.SPAN),
    _ATTRIBUTE,
    Field("since", _TIME, "Began then or later", stands_for=("start_ns", ">=")),
    Field("until", _TIME, "Began then or earlier", stands_for=("start_ns", "<=")),
)

JSON_FIELDS = tuple(field.name for field in FIELDS if field.stored)

_BY_NAME = {name: field for field in FIELDS for name in (field.name, *field.aliases) if field is not _ATTRIBUTE}


def lookup(name: str) -> Field | None:
    """The field of that name or alias; ``attr.NAME`` gives the attribute field with its key set."""
    prefix, _, key = name.partition(".")
    if prefix == _ATTRIBUTE.name and key:
        return replace(_ATTRIBUTE, key=key)
    return _BY_NAME.get(name)
