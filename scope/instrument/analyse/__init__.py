"""Static analysis of a code base: its routes, what they reach, and what in it is likely to hurt."""

from .analysis import Analysis, Reach, analyse
from .findings import RULES, Cost, Finding, Severity
from .functions import Function
from .measured import Measured, MeasuredFunction, corrected
from .plan_rules import PlanRule, plan_rules
from .proposal import CALL_NS, Proposed
from .routes import Route
from .source import Unreadable

__all__ = [
    "CALL_NS",
    "RULES",
    "Analysis",
    "Cost",
    "Finding",
    "Function",
    "Measured",
    "MeasuredFunction",
    "PlanRule",
    "Proposed",
    "Reach",
    "Route",
    "Severity",
    "Unreadable",
    "analyse",
    "corrected",
    "plan_rules",
]
