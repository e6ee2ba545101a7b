"""What may an agent call? A policy answers allow, deny or hold, and names the rule. It knows no database, clock or network."""

from workflows.policy.evaluating import Policy, PolicyBook, counters, evaluate
from workflows.policy.limits import Limit, Scope, Window
from workflows.policy.loading import load
from workflows.policy.shapes import Audited, Effect, Hold, Mode, PolicyInvalid, Problem, Verdict
from workflows.policy.situation import KnownTool, Situation

__all__ = [
    "Audited",
    "Effect",
    "Hold",
    "KnownTool",
    "Limit",
    "Mode",
    "Policy",
    "PolicyBook",
    "PolicyInvalid",
    "Problem",
    "Scope",
    "Situation",
    "Verdict",
    "Window",
    "counters",
    "evaluate",
    "load",
]
