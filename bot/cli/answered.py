"""What the gateway answers beside the policy: a call that uses more of a limit than ever fits is denied, whoever approves it. Pure."""

from dataclasses import replace

from workflows.counters import impossible
from workflows.policy import Effect, Verdict
from workflows.policy.explaining import Explanation, Kind


def answered(found: Explanation) -> Explanation:
    """Give an explanation as the gateway answers the call."""
    never = None if found.verdict.effect is Effect.DENY else impossible(found.verdict.limits)
    if never is None:
        return found
    at = next(n for n, step in enumerate(found.trace) if step.kind is Kind.LIMIT and step.rule == never.limit.rule)
    trace = tuple(replace(step, decided=n == at) for n, step in enumerate(found.trace))
    return Explanation(Verdict(Effect.DENY, never.limit.rule, never.sentence), trace)
