"""Static analysis of a code base: its routes, what they reach, and what in it is likely to hurt."""

from .analysis import Analysis, Reach, analyse
from .findings import RULES, Finding, Severity
from .functions import Function
from .plan_rules import PlanRule, plan_rules
from .proposal import CALL_NS, Proposed
from .routes import Route
from .source import Unreadable

__all__ = [
    "CALL_NS",
    "RULES",
    "Analysis",
    "Finding",
    "Function",
    "PlanRule",
    "Proposed",
    "Reach",
    "Route",
    "Severity",
    "Unreadable",
    "analyse",
    "plan_rules",
]
