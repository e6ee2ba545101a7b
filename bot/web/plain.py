"""A request as plain values, one shape for the JSON interface and for the command line.

From whoever does not decide, secrets are hidden, and what the policy hides.
"""

import json
from datetime import datetime

from workflows import document, queries
from workflows.calls import JSON, parse_json
from workflows.errors import Malformed
from workflows.queries import RequestView
from workflows.redaction import NOTHING, Redaction, hide_in, redact_text
from workflows.tables import ApprovalRequest, AuditEvent, Vote

_DEEPEST = 500  # an answer may nest deeper than a call


def summary(view: RequestView, person: str | None) -> dict[str, JSON]:
    """Give a request as `person` may see it; None is somebody who does not say who they are."""
    row = view.request
    return {
        "id": row.id,
        "state": row.state,
        "server": row.server,
        "tool": row.tool,
        "arguments": _stored(row.arguments, hide=_hide(view, person), rules=Redaction.read(row.redaction)),
        "category": row.category,
        "risk": row.risk,
        "signals": json.loads(row.signals or "[]"),
        "definition_changed": row.difference is not None,
        "agent": row.agent,
        "owner": row.owner,
        "policy": row.policy,
        "rule": row.rule,
        "reason": row.reason,
        "approvers": row.approvers,
        "quorum": row.quorum,
        "needed": view.needed,
        "votes": [_vote(vote) for vote in view.votes],
        "held_at": _moment(row.held_at),
        "expires_at": _moment(row.expires_at),
        "decided_at": _moment(row.decided_at),
        "decided_by": row.decided_by,
        "decision_reason": row.decision_reason,
        "settled_at": _moment(row.settled_at),
    }


def complete(view: RequestView, person: str | None) -> dict[str, JSON]:
    """Give all of a request: beside its summary, the arguments exactly as they were sent, the outcome and the trail."""
    row = view.request
    hide, rules = _hide(view, person), Redaction.read(row.redaction)
    return {
        **summary(view, person),
        "arguments_text": _text(row.arguments, hide=hide, rules=rules),
        "policy_hides": [*hide_in(_parsed(row.arguments), rules).by],
        "difference": redact_text(row.difference) if hide and row.difference else row.difference,
        "fingerprint": None if hide else row.fingerprint,
        "outcome": _outcome(row, hide=hide, rules=document.beyond(row.arguments, rules) if hide else NOTHING),
        "trail": [_event(event) for event in view.trail],
        "trail_left_out": view.left_out,
    }


def _hide(view: RequestView, person: str | None) -> bool:
    return person is None or not queries.may_see_secrets(view, person)


def _parsed(raw: bytes) -> JSON:
    """Read stored JSON as a value; what is none, such as a sentence or a row that was changed by hand, is a string."""
    try:
        return parse_json(raw, max_depth=_DEEPEST)
    except Malformed:
        return raw.decode("utf-8", "replace")


def _stored(raw: bytes, *, hide: bool, rules: Redaction = NOTHING) -> JSON:
    value = _parsed(raw)
    return hide_in(value, rules).value if hide else value


def _text(raw: bytes, *, hide: bool, rules: Redaction) -> str:
    return json.dumps(_stored(raw, hide=True, rules=rules), ensure_ascii=False) if hide else raw.decode("utf-8", "replace")


def _outcome(row: ApprovalRequest, *, hide: bool, rules: Redaction) -> JSON:
    if not row.outcome_kind:
        return None
    body = _stored(row.outcome or b"null", hide=hide, rules=rules)
    return {"kind": row.outcome_kind, "is_error": row.outcome_is_error, "body": body}


def _vote(vote: Vote) -> dict[str, JSON]:
    return {"voter": vote.voter, "choice": vote.choice, "reason": vote.reason, "via": vote.via, "at": _moment(vote.at)}


def _event(event: AuditEvent) -> dict[str, JSON]:
    detail = _stored(event.detail.encode("utf-8", "replace"), hide=False)
    return {"seq": event.seq, "at": _moment(event.at), "event": event.event, "actor": event.actor, "detail": detail}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
