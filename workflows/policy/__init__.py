"""What may an agent call? A policy answers allow, deny or hold, and names the rule. It knows no database, clock or network."""

from workflows.policy.evaluating import Policy, PolicyBook, evaluate
from workflows.policy.limits import Limit, Scope, Window
from workflows.policy.loading import load
from workflows.policy.shapes import Audited, Effect, Hold, PolicyInvalid, Problem, Verdict

__all__ = [
    "Audited",
    "Effect",
    "Hold",
    "Limit",
    "Policy",
    "PolicyBook",
    "PolicyInvalid",
    "Problem",
    "Scope",
    "Verdict",
    "Window",
    "evaluate",
    "load",
]
