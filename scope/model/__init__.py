"""The nouns of a trace as frozen data; imports nothing of ours."""

from .event import Event, EventType, Outcome
from .process_event import ProcessEvent
from .request import RequestKind, RequestState, RequestSummary
from .site import Definition, DefinitionKind, FunctionKind
from .span import Attributes, AttributeValue, Cut, ExceptionInfo, Frame, Mark, ObjectName, Redacted, Span, SpanKind
from .step import State, Step, Stretch
from .trace import LeftOut, Trace

__all__ = [
    "AttributeValue",
    "Attributes",
    "Cut",
    "Definition",
    "DefinitionKind",
    "Event",
    "EventType",
    "ExceptionInfo",
    "Frame",
    "FunctionKind",
    "LeftOut",
    "Mark",
    "ObjectName",
    "Outcome",
    "ProcessEvent",
    "Redacted",
    "RequestKind",
    "RequestState",
    "RequestSummary",
    "Span",
    "SpanKind",
    "State",
    "Step",
    "Stretch",
    "Trace",
]
