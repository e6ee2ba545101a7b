"""A policy as text again: canonical JSON, in which every reader finds the same document. Law: what is printed means what was read."""

import json
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from workflows.calls import JSON
from workflows.policy import approvals, limit_rules, options, predicates, validating
from workflows.policy.evaluating import Policy

_Order: TypeAlias = Callable[[JSON], JSON]


def written(policy: Policy) -> str:
    """Write the document of a policy: two spaces of indentation, keys in the order of the format, tools in the order of the document.

    Nothing is left out and nothing is added. What is not known to PolicyLayer's format, such as Intercept's keys, keeps its order.
    """
    return json.dumps(_document(policy.document), indent=2, ensure_ascii=False) + "\n"


def _ordered(means: Mapping[str, str], **inside: _Order) -> _Order:
    """Put the keys of an object into the order in which the format tells them, and what is inside into its own."""

    def order(value: JSON) -> JSON:
        if not isinstance(value, dict):
            return value
        keys = [*filter(value.__contains__, means), *(key for key in value if key not in means)]
        return {key: inside.get(key, _as_it_is)(value[key]) for key in keys}

    return order


def _as_it_is(value: JSON) -> JSON:
    return value


def _each(order: _Order) -> _Order:
    def listed(value: JSON) -> JSON:
        if isinstance(value, dict):
            return {name: order(each) for name, each in value.items()}
        return [order(each) for each in value] if isinstance(value, list) else value

    return listed


def _condition(value: JSON) -> JSON:
    joined = isinstance(value, dict) and not value.keys() & predicates.KEYS
    return _JOINED(value) if joined else _CONDITION(value)


def _inside_not(value: JSON) -> JSON:
    return _condition(value) if isinstance(value, dict) else _each(_condition)(value)


_CONDITION: Final = _ordered(predicates.MEANS)
_JOINED: Final = _ordered(predicates.JOINED_MEANS, any=_each(_condition), all=_each(_condition), **{"not": _inside_not})
_RULES: Final = _each(_ordered(validating.PREDICATE_MEANS, conditions=_each(_condition)))
_QUESTIONS: Final = _each(_ordered({"conditions": "", **approvals.MEANS}, conditions=_each(_condition)))
_LIMITS: Final = _each(_ordered(limit_rules.MEANS))
_ENTRY: Final = _ordered(validating.ENTRY_MEANS, require=_RULES, deny_if=_RULES, require_approval=_QUESTIONS, limits=_LIMITS)
_document: Final = _ordered(
    validating.DOCUMENT_MEANS,
    approval=_ordered(approvals.MEANS),
    redact=_ordered(options.REDACT_MEANS),
    all_tools=_ordered(validating.ALL_TOOLS_MEANS, limits=_LIMITS),
    tools=_each(_ENTRY),
)
