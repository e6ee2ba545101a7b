"""Requests as Home and command show them, and what Slack would say of what was drawn from them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_sdk.models.blocks import Block as SdkBlock

from bot.slack.shapes import Arguments, Difference, Shown
from tests.fakes.slack.blocks import check_blocks
from workflows.states import State

NOW = datetime(2026, 1, 15, 12, 0, 20, tzinfo=UTC)
TEAM = "T01TEST"
ALICE, OLIVIA = f"slack:{TEAM}/U01ALICE", f"slack:{TEAM}/U01OLIVIA"
NASTY = "<!channel> <@U01ALICE> *bold* `code` :tada: <https://evil.example|good> &amp; " + "\\u{202E}" + "x" * 150
MARK = "0123456789ab"


def make_arguments(text: str = '{\n  "amount": 50\n}', **facts: Any) -> Arguments:  # noqa: ANN401  # the fields of Arguments
    """Arguments that fit."""
    known: dict[str, Any] = {
        "text": text,
        "size": 16,
        "short": text[:2000],
        "cut": False,
        "hidden": "",
        "pages": (text[:2900],),
        "redacted": False,
    }
    return Arguments(**{**known, **facts})


def make_shown(number: int = 1, **facts: Any) -> Shown:  # noqa: ANN401  # the fields of Shown
    """A request that waits for Alice."""
    known: dict[str, Any] = {
        "id": f"apr_{number:032x}",
        "mark": MARK,
        "state": State.PENDING,
        "server": "payments",
        "tool": "create_refund",
        "agent": "support-agent",
        "owner": OLIVIA,
        "rule": "/tools/create_refund/require_approval/0",
        "reason": "A refund",
        "policy": "payments",
        "risk": "normal",
        "high_risk": False,
        "signals": (),
        "approvers": "payments",
        "able": (ALICE,),
        "user_groups": (),
        "approvals": (),
        "needed": 1,
        "quorum": 1,
        "held_at": NOW,
        "expires_at": NOW + timedelta(minutes=30),
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
        "arguments": make_arguments(),
        "warnings": (),
        "desk_url": "http://127.0.0.1:8081",
        "team": TEAM,
        "previous": None,
        "difference": None,
    }
    return Shown(**{**known, **facts})


def nasty(number: int = 1, **facts: Any) -> Shown:  # noqa: ANN401  # the fields of Shown
    """A request of which everything that others wrote is as long and as hostile as it can be."""
    known = {
        "tool": (NASTY * 2)[:256],
        "server": NASTY[:100],
        "agent": NASTY[:100],
        "rule": NASTY * 2,
        "reason": NASTY * 20,
        "approvers": "g" * 64,
        "quorum": 2,
        "needed": 1,
        "approvals": (ALICE,),
        "warnings": (NASTY, NASTY),
        "decided_by": (ALICE, OLIVIA, "local:bob"),
        "decided_at": NOW,
        "decision_reason": NASTY * 10,
        "outcome": NASTY * 2,
        "outcome_is_error": True,
        "unattended": True,
        "signals": (NASTY,) * 9,
        "arguments": make_arguments(
            NASTY * 200,
            cut=True,
            hidden="1 value cut",
            pages=tuple([(NASTY * 20)[:2900]] * 40),
            redacted=True,
            short=(NASTY * 20)[:2000],
            hides=(NASTY, NASTY, NASTY),
        ),
        "difference": Difference(NASTY * 200, (NASTY * 20)[:400], cut=True, hidden="9 lines left out", pages=((NASTY * 20)[:2900],) * 9),
    }
    return make_shown(number, **{**known, **facts})


def objects(drawn: object) -> Iterator[dict[str, Any]]:
    """Walk every object of what was drawn."""
    if isinstance(drawn, dict):
        yield drawn
        for value in drawn.values():
            yield from objects(value)
    elif isinstance(drawn, list):
        for value in drawn:
            yield from objects(value)


def refused(blocks: Any, *, at_most: int = 100) -> list[str]:  # noqa: ANN401  # JSON
    """Say what Slack would refuse of these blocks, what its SDK does not read back as it was, and any markup."""
    problems = check_blocks(blocks, at_most=at_most)
    problems += ["mrkdwn is drawn"] * any(each.get("type") == "mrkdwn" for each in objects(blocks))
    problems += ["an emoji may be made of a name"] * any(each.get("emoji", False) for each in objects(blocks))
    read = [block.to_dict() for block in SdkBlock.parse_all(blocks)]
    problems += ["the SDK reads something else"] * (json.dumps(read, sort_keys=True) != json.dumps(blocks, sort_keys=True))
    return problems


def texts(drawn: object) -> str:
    """Give all text that was drawn, in order."""
    return "".join(str(each["text"]) for each in objects(drawn) if isinstance(each.get("text"), str))


def actions(drawn: object) -> list[str]:
    """Give the action_ids that were drawn, in order."""
    return [str(each["action_id"]) for each in objects(drawn) if "action_id" in each]
