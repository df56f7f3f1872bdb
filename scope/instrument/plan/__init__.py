"""Plan: the frozen decision of which functions are probed, and how deep."""

from .candidate import Candidate
from .condition import Condition
from .criteria import Criteria
from .decision import Decision
from .errors import RuleError
from .level import Level
from .ownership import Ownership
from .plan import Plan
from .rule import Rule
from .sources import make_plan, read_rules

__all__ = [
    "Candidate",
    "Condition",
    "Criteria",
    "Decision",
    "Level",
    "Ownership",
    "Plan",
    "Rule",
    "RuleError",
    "make_plan",
    "read_rules",
]
