"""The nouns of a trace as frozen data; imports nothing of ours."""

from .async_task import AsyncTask
from .call import CallValues, LineRun, Locals, ValuesKind
from .event import Event, EventType, Outcome
from .process_event import ProcessEvent
from .request import RequestKind, RequestState, RequestSummary
from .site import Definition, DefinitionKind, FunctionKind
from .span import ExceptionInfo, Frame, Mark, Span, SpanKind
from .step import State, Step, Stretch
from .trace import LeftOut, Trace
from .value import Attributes, AttributeValue, Cut, Instance, ObjectName, Part, Redacted

__all__ = [
    "AsyncTask",
    "AttributeValue",
    "Attributes",
    "CallValues",
    "Cut",
    "Definition",
    "DefinitionKind",
    "Event",
    "EventType",
    "ExceptionInfo",
    "Frame",
    "FunctionKind",
    "Instance",
    "LeftOut",
    "LineRun",
    "Locals",
    "Mark",
    "ObjectName",
    "Outcome",
    "Part",
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
    "ValuesKind",
]
