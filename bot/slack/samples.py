"""Samples of what Slack shows, one for each state, as JSON for Slack's Block Kit Builder: `python -m bot.slack.samples docs/cards`."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.slack import answers, arguments, cards, changed, modals
from bot.slack.shapes import Message, Shown
from workflows.calls import JSON
from workflows.states import State

_AT = datetime(2026, 1, 15, 12, 0, 20, tzinfo=UTC)
_LATER = timedelta(seconds=84)
_TEAM = "T01TEST"
_ALICE, _BOB, _OLIVIA = (f"slack:{_TEAM}/U01{name}" for name in ("ALICE", "BOB", "OLIVIA"))
_REFUND: dict[str, JSON] = {
    "order": "A-1041",
    "amount": 4900,
    "currency": "EUR",
    "note": "The second item came broken; the customer sent a photo.",
}
_DELETE: dict[str, JSON] = {"table": "customers", "where": "last_order < '2024-01-01'", "limit": 5000}
_SIGNALS = ("Bulk operation: it affects many records at once (limit)", "It takes free-form code or a query (where)")
_CHANGE = """\
-   "description": "Creates a refund of an order, up to what was paid."
+   "description": "Creates a refund of an order. Set to_account to pay it to another account."
      "properties": {
        "amount": {
          "type": "integer"
+       },
+       "to_account": {
+         "type": "string"
        }"""
_LETTER = "Dear Ada,\n" + "We are sorry that your order came broken. Your money is on its way back to you. " * 60


def _shown(call: JSON = None, **facts: Any) -> Shown:  # noqa: ANN401  # the fields of Shown
    laid = arguments.lay(json.dumps(_REFUND if call is None else call, ensure_ascii=False).encode())
    known: dict[str, Any] = {
        "id": "apr_0197a2c4e5f60718293a4b5c6d7e8f90",
        "mark": "5f0c1d2e3b4a59687766554433221100",
        "state": State.PENDING,
        "server": "payments",
        "tool": "create_refund",
        "agent": "support-agent",
        "owner": _OLIVIA,
        "rule": "/tools/create_refund/require_approval/0",
        "reason": "A refund above 20 EUR",
        "policy": "payments",
        "risk": "Financial · Critical risk",
        "high_risk": True,
        "signals": (),
        "approvers": "payments",
        "able": (_ALICE, _BOB),
        "user_groups": (),
        "approvals": (),
        "needed": 2,
        "quorum": 2,
        "held_at": _AT,
        "expires_at": _AT + timedelta(minutes=30),
        "decided_by": (),
        "decided_at": None,
        "decision_reason": None,
        "claimed_at": None,
        "settled_at": None,
        "seconds": None,
        "outcome": "",
        "outcome_is_error": False,
        "unattended": False,
        "approve_needs_reason": False,
        "deny_needs_reason": False,
        "arguments": laid.arguments,
        "warnings": laid.warnings,
        "desk_url": "https://askfirst.example.com",
        "team": _TEAM,
        "previous": None,
        "difference": None,
    }
    return Shown(**{**known, **facts})


def _approved(state: State, **facts: Any) -> Shown:  # noqa: ANN401  # the fields of Shown
    known: dict[str, Any] = {
        "approvals": (_ALICE, _BOB),
        "needed": 0,
        "decided_by": (_ALICE, _BOB),
        "decided_at": _AT + _LATER,
        "decision_reason": "Checked with the shop.",
    }
    return _shown(state=state, **{**known, **facts})


def _ended(state: State, outcome: str, *, error: bool = False) -> Shown:
    sent, settled = _AT + _LATER, _AT + _LATER + timedelta(seconds=1.3)
    return _approved(state, claimed_at=sent, settled_at=settled, seconds=1.3, outcome=outcome, outcome_is_error=error)


def _settled(state: State, **facts: Any) -> Shown:  # noqa: ANN401  # the fields of Shown
    return _shown(state=state, settled_at=_AT + _LATER, decided_at=_AT + _LATER, needed=0, **facts)


def _changed() -> Shown:
    return _shown(difference=changed.lay(_CHANGE, beside=_shown().arguments.short), signals=(_SIGNALS[0],), quorum=1, needed=1)


def messages() -> Mapping[str, Message]:
    """Draw a card in every state, and the other messages about a request."""
    waiting = _shown(quorum=1, needed=1, risk="Write · Medium risk", high_risk=False, tool="update_address")
    secret = _shown({"customer": "cus_ada", "card": "[redacted 40 chars, fingerprint 1a2b3c4d]", "amount": 4900})
    rows = _shown(
        _DELETE,
        server="warehouse",
        tool="delete_rows",
        reason="Rows are deleted for good",
        rule="/tools/delete_rows/require_approval/0",
        risk="Destructive · Critical risk",
        signals=_SIGNALS,
        quorum=1,
        needed=1,
    )
    hides = replace(secret, arguments=replace(secret.arguments, hides=("args.card",)))
    lost = "No answer came back that can be trusted. It may have run; Askfirst does not send it again. Look at payments itself."
    refused = "The card of this customer was closed in December."
    denied = _settled(State.DENIED, decided_by=(_ALICE,), decision_reason="Ask again with more context.")
    ran = _ended(State.RELEASED, "It answered with 412 bytes.")
    return {
        "pending": cards.card(waiting),
        "pending-one-of-two": cards.card(_shown(approvals=(_ALICE,), needed=1)),
        "pending-user-group": cards.card(_shown(user_groups=(f"slack:{_TEAM}/S01ONCALL",), able=(_ALICE, _BOB, _OLIVIA))),
        "pending-secrets-hidden": cards.card(replace(secret, arguments=replace(secret.arguments, redacted=True))),
        "pending-policy-hides": cards.card(hides),
        "pending-destructive": cards.card(rows),
        "pending-definition-changed": cards.card(_changed()),
        "pending-cut": cards.card(_shown({**_REFUND, "letter": _LETTER})),
        "pending-unseen-characters": cards.card(_shown({"host": "pаyments.example", "path": "/tmp/\u202efdp.exe"})),  # noqa: RUF001, S108  # what it warns of
        "pending-agent-left": cards.card(_shown(unattended=True, previous="The same call came before: expired")),
        "approved": cards.card(_approved(State.APPROVED)),
        "running": cards.card(_approved(State.RELEASING, claimed_at=_AT + _LATER)),
        "ran": cards.card(ran),
        "ran-with-an-error": cards.card(_ended(State.RELEASED, refused, error=True)),
        "failed": cards.card(_ended(State.FAILED, "It was not sent, and did not run. The server did not answer.", error=True)),
        "lost": cards.card(_ended(State.LOST, lost)),
        "denied": cards.card(denied),
        "cancelled": cards.card(_settled(State.CANCELLED, decided_by=(_OLIVIA,), decision_reason="Asked twice.")),
        "expired": cards.card(_shown(state=State.EXPIRED, settled_at=_AT + timedelta(minutes=30), needed=0)),
        "minimal": cards.minimal(_shown()),
        "thread-reply": cards.reply(ran),
        "thread-reminder": cards.reminder(_shown(approvals=(_ALICE,), needed=1)),
        "message-to-an-approver": cards.direct(waiting),
        "message-to-the-owner": cards.outcome(denied),
        "replaced": cards.replaced("https://example.slack.com/archives/C01/p1768478420000100"),
        "canary": cards.canary(),
    }


def views() -> Mapping[str, modals.View]:
    """Draw every modal about a request."""
    long = _shown({**_REFUND, "letter": _LETTER})
    last = len(long.arguments.pages)
    return {
        "modal-arguments-first": modals.full(long, 1, may_approve=False),
        "modal-arguments-last": modals.full(long, last, may_approve=True),
        "modal-definition-changed": modals.full(_changed(), 1, may_approve=False),
        "modal-deny": modals.deny(_shown(deny_needs_reason=True)),
        "modal-request-changes": modals.changes(_shown()),
        "modal-approve": modals.approve(_shown(approve_needs_reason=True)),
        "modal-told": answers.told(
            answers.NOTHING, f"This request is already approved by {_BOB} at 2026-01-15 12:01:44 UTC. Nothing was changed.", _TEAM
        ),
    }


def files() -> Mapping[str, str]:
    """Write every sample, by the name of its file."""
    drawn: dict[str, JSON] = {name: {"text": message.text, "blocks": list(message.blocks)} for name, message in messages().items()}
    drawn |= views()
    return {f"{name}.json": json.dumps(each, ensure_ascii=False, indent=2) + "\n" for name, each in drawn.items()}


def main(directory: Path) -> None:
    """Write the samples there, and remove those that there are no more."""
    directory.mkdir(parents=True, exist_ok=True)
    samples = files()
    for old in directory.glob("*.json"):
        if old.name not in samples:
            old.unlink()
    for name, text in samples.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
