"""Rows as the verbs write them, with every text as hostile as hypothesis can make it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bot.slack import facts
from bot.slack.shapes import Shown
from workflows.calls import JSON
from workflows.people import ApproverGroup
from workflows.queries import RequestView
from workflows.redaction import Redaction
from workflows.states import State
from workflows.tables import ApprovalRequest, Vote

NOW = datetime(2026, 1, 15, 12, 0, 20, tzinfo=UTC)
TEAM = "T01TEST"
ALICE, BOB, OLIVIA = (f"slack:{TEAM}/U01{name}" for name in ("ALICE", "BOB", "OLIVIA"))
GROUP = ApproverGroup("payments", frozenset({ALICE, BOB, OLIVIA, "local:dave"}), user_groups=frozenset({f"slack:{TEAM}/S01ONCALL"}))
NASTY = (
    "<!channel>",
    "<!here|x>",
    "<@U01ALICE>",
    "<!subteam^S01ONCALL>",
    "<#C01>",
    "<https://evil.example|good>",
    "<!date^1^{ago}|x>",
    "&amp;",
    ":tada:",
    "*b* _i_ ~s~ `c` ```\n",
    "\n\nApproved by Alice\n",
    "\u202e\u2066\u200b\u2028\U000e0041\ufe0f",
    "e" + "\u0301" * 40,
    "p\u0430yments.example",
    "&" * 400,
    " " * 300 + "x",
    "\u00a0\u3000" * 40,
    "x" * 5000,
    "\n" * 200,
    "@here",
)
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(st.characters(codec="utf-8", exclude_characters="\0"))), max_size=4).map("".join)
values: st.SearchStrategy[JSON] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(texts, inner, max_size=5)),
    max_leaves=25,
)
arguments = st.dictionaries(texts, values, max_size=6)


def make_view(state: State = State.PENDING, call: dict[str, JSON] | None = None, **facts_: Any) -> RequestView:  # noqa: ANN401  # columns
    """A request that Olivia's agent made, with the votes that its state needs."""
    settled = None if state in {State.PENDING, State.APPROVED, State.RELEASING} else NOW + timedelta(minutes=2)
    known: dict[str, Any] = {
        "id": "apr_0123456789abcdef",
        "state": state.value,
        "grant_id": "gr_1",
        "agent": "support-agent",
        "owner": OLIVIA,
        "server": "payments",
        "tool": "update_address",
        "arguments": json.dumps({"amount": 50} if call is None else call).encode(),
        "call_sha256": "c" * 64,
        "fingerprint": "f" * 64,
        "policy": "payments",
        "policy_sha256": "a" * 64,
        "rule": "/tools/update_address/require_approval/0",
        "reason": "An address",
        "approvers": "payments",
        "quorum": 2,
        "held_at": NOW,
        "expires_at": NOW + timedelta(minutes=30),
        "settled_at": settled,
    }
    votes: tuple[Vote, ...] = ()
    if state in {State.APPROVED, State.RELEASING, State.RELEASED, State.FAILED, State.LOST}:
        votes = tuple(Vote(request_id=known["id"], voter=who, choice="approve", via="slack", at=NOW) for who in (ALICE, BOB))
        known |= {"decided_by": f"{ALICE}, {BOB}", "decided_at": NOW + timedelta(minutes=1)}
    if state in {State.RELEASING, State.RELEASED, State.FAILED, State.LOST}:
        known |= {"claimed_at": NOW + timedelta(minutes=1)}
    if state in {State.DENIED, State.CANCELLED}:
        known |= {"decided_by": ALICE, "decided_at": settled}
    row = ApprovalRequest(**{**known, **facts_})
    needed = row.quorum - len(votes) if state is State.PENDING else 0
    return RequestView(row, votes, needed, group=GROUP)


def make(state: State = State.PENDING, call: dict[str, JSON] | None = None, **facts_: Any) -> Shown:  # noqa: ANN401  # columns
    """What Slack shows of such a request."""
    return facts.shown(make_view(state, call, **facts_), team=TEAM, desk_url="https://desk.example")


@st.composite
def views(draw: st.DrawFn) -> RequestView:
    """Any request, in any state, of which everything that somebody else wrote is hostile."""
    state = draw(st.sampled_from(State))
    failing = (
        draw(st.sampled_from(["result", "error", "not_sent", "unknown"])) if state in {State.RELEASED, State.FAILED, State.LOST} else None
    )
    body = {"content": [{"type": "text", "text": draw(texts)}], "message": draw(st.one_of(texts, st.none()))}
    view = make_view(
        state,
        draw(arguments),
        tool=draw(texts)[:256] or "t",
        server=draw(texts)[:100] or "s",
        agent=draw(texts)[:100] or "a",
        rule=draw(texts),
        reason=draw(texts),
        policy=draw(texts)[:100],
        approvers=draw(texts)[:100],
        quorum=draw(st.integers(1, 10)),
        decision_reason=draw(st.one_of(texts.map(lambda text: text[:2000]), st.none())),
        outcome_kind=failing,
        outcome=json.dumps(body).encode() if failing else None,
        outcome_is_error=draw(st.booleans()),
        reason_required=draw(st.sampled_from(["never", "deny", "always"])),
        unattended_at=draw(st.sampled_from([None, NOW])),
        difference=draw(st.one_of(st.none(), st.lists(texts, max_size=40).map("\n".join))),
        redaction=draw(st.sampled_from([None, Redaction((("*", "*"),), ("x+", "[&]")).written()])),
        **draw(st.sampled_from([{}, {"category": "Destructive", "risk": "Critical"}, {"category": "Read", "risk": "Low"}])),
        signals=json.dumps(draw(st.lists(texts, max_size=6))),
    )
    members = frozenset(draw(st.sets(st.sampled_from([ALICE, BOB, "local:" + "d" * 60, "slack:T09OTHER/U09" + "X" * 25]), max_size=4)))
    group = draw(
        st.sampled_from([None, ApproverGroup("payments", members), ApproverGroup("payments", members, user_groups=GROUP.user_groups)])
    )
    previous = draw(st.sampled_from([None, make_view(State.DENIED, decision_reason="x" * 600).request]))
    return RequestView(view.request, view.votes, view.needed, group=group, previous=previous)
