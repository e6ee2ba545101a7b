"""Votes add up the same way for every face, and silence is no."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.people import ApproverGroup, Identity
from workflows.quorum import Choice, counted, tally, why_not, why_not_identity, why_unmanned
from workflows.states import Event

A, B, C, O, X = "local:alice", "local:bob", "local:carol", "local:olivia", "local:xavier"  # noqa: E741  # O owns the agent in every table here
YES, NO = Choice.APPROVE, Choice.DENY
GROUP = ApproverGroup("payments", frozenset({A, B, C, O}))
SELF = ApproverGroup("payments", frozenset({A, O}), self_approval=True)
STALE = ApproverGroup("payments", frozenset({A}), user_groups=frozenset({"slack:T01TEST/S01ONCALL"}), stale=True)
EMPTY = ApproverGroup("payments", frozenset())

_TALLIES: dict[str, tuple[dict[str, Choice], ApproverGroup | None, int, Event | None]] = {
    "nobody voted": ({}, GROUP, 1, None),
    "one of one": ({A: YES}, GROUP, 1, Event.APPROVE),
    "one of two": ({A: YES}, GROUP, 2, None),
    "two of two": ({A: YES, B: YES}, GROUP, 2, Event.APPROVE),
    "three of two": ({A: YES, B: YES, C: YES}, GROUP, 2, Event.APPROVE),
    "a denial alone": ({A: NO}, GROUP, 1, Event.DENY),
    "a denial beside enough approvals": ({A: YES, B: YES, C: NO}, GROUP, 2, Event.DENY),
    "the owner of the agent does not count": ({O: YES}, GROUP, 1, None),
    "the owner and one of two": ({O: YES, A: YES}, GROUP, 2, None),
    "the owner counts where the group says so": ({O: YES}, SELF, 1, Event.APPROVE),
    "a stranger does not count": ({X: YES}, GROUP, 1, None),
    "somebody who left the group does not count": ({B: YES, A: YES}, SELF, 2, None),
    "an empty group is nobody": ({A: YES}, EMPTY, 1, None),
    "no group is nobody": ({A: YES}, None, 1, None),
    "a quorum of nothing still wants one": ({}, GROUP, 0, None),
    "a quorum below nothing still wants one": ({}, GROUP, -3, None),
}


@pytest.mark.parametrize(("votes", "group", "quorum", "settled"), _TALLIES.values(), ids=_TALLIES)
def test_what_votes_add_up_to(votes: dict[str, Choice], group: ApproverGroup | None, quorum: int, settled: Event | None) -> None:
    """One denial denies; enough approvals of people with the right to give them approve; all else waits."""
    assert tally(votes, group=group, owner=O, quorum=quorum) is settled


_MAY: dict[str, tuple[str, Choice, ApproverGroup | None, dict[str, Choice], str | None]] = {
    "a member approves": (A, YES, GROUP, {}, None),
    "a member denies": (A, NO, GROUP, {}, None),
    "a member beside others": (A, YES, GROUP, {B: YES}, None),
    "who approved may deny": (A, NO, GROUP, {A: YES}, None),
    "who approved may not do it twice": (A, YES, GROUP, {A: YES}, "already voted to approve"),
    "a stranger may not approve": (X, YES, GROUP, {}, "not in the approver group payments"),
    "a stranger may not deny": (X, NO, GROUP, {}, "not in the approver group payments"),
    "the owner may not approve": (O, YES, GROUP, {}, "You answer for this agent"),
    "the owner may deny": (O, NO, GROUP, {}, None),
    "the owner may approve where the group says so": (O, YES, SELF, {}, None),
    "the owner outside the group is a stranger": (O, YES, ApproverGroup("payments", frozenset({A}), self_approval=True), {}, "not in the"),
    "an empty group": (A, YES, EMPTY, {}, "not in the approver group payments"),
    "a stranger while Slack cannot be read": (X, YES, STALE, {}, "Slack could not say just now who is in the user groups of payments"),
    "a member while Slack cannot be read": (A, YES, STALE, {}, None),
    "no group": (A, YES, None, {}, "does not exist"),
    "no group, to deny": (A, NO, None, {}, "does not exist"),
}


@pytest.mark.parametrize(("voter", "choice", "group", "votes", "why"), _MAY.values(), ids=_MAY)
def test_who_may_cast_which_vote(
    voter: str, choice: Choice, group: ApproverGroup | None, votes: dict[str, Choice], why: str | None
) -> None:
    """Every no is a sentence that says whom to ask."""
    answer = why_not(voter, choice, group=group, group_name="payments", owner=O, votes=votes)
    assert (answer is None) == (why is None)
    assert answer is None or (why is not None and why in answer and answer.endswith("."))


_OPEN = ApproverGroup("payments", frozenset({A}), guests=True, external=True)
_IDENTITIES: dict[str, tuple[Identity, ApproverGroup | None, str | None]] = {
    "a member of the workspace": (Identity(A), GROUP, None),
    "a deactivated account": (Identity(A, deleted=True), _OPEN, "deactivated"),
    "a bot": (Identity(A, bot=True), _OPEN, "A bot decides nothing"),
    "a guest": (Identity(A, guest=True), GROUP, "payments takes no guests"),
    "a guest where the group takes them": (Identity(A, guest=True), _OPEN, None),
    "a guest, and from outside": (Identity(A, guest=True, external=True), ApproverGroup("g", frozenset({A}), guests=True), "from outside"),
    "from another workspace": (Identity(A, external=True), GROUP, "payments takes nobody from outside"),
    "from another workspace where the group takes them": (Identity(A, external=True), _OPEN, None),
    "a guest, and no group": (Identity(A, guest=True), None, "takes no guests"),
    "from another workspace, and no group": (Identity(A, external=True), None, "takes nobody from outside"),
    "a member of the workspace, and no group": (Identity(A), None, None),
}


@pytest.mark.parametrize(("identity", "group", "why"), _IDENTITIES.values(), ids=_IDENTITIES)
def test_t09_what_slack_says_of_a_person_can_keep_them_from_deciding(
    identity: Identity, group: ApproverGroup | None, why: str | None
) -> None:
    """T09: a bot or a deactivated account never decides; guests and people from outside only where the group says so."""
    answer = why_not_identity(identity, group)
    assert (answer is None) == (why is None)
    assert answer is None or (why is not None and why in answer and answer.endswith("."))


_UNMANNED: dict[str, tuple[ApproverGroup | None, int, str | None]] = {
    "no group": (None, 1, "does not exist"),
    "an empty group": (EMPTY, 1, "needs 1 approval and only 0"),
    "the owner alone": (ApproverGroup("payments", frozenset({O})), 1, "needs 1 approval and only 0"),
    "the owner and one, for two": (ApproverGroup("payments", frozenset({A, O})), 2, "needs 2 approvals and only 1"),
    "the owner and one, for two, where the group says so": (SELF, 2, None),
    "just enough": (GROUP, 3, None),
    "one too few": (GROUP, 4, "needs 4 approvals and only 3"),
}


@pytest.mark.parametrize(("group", "quorum", "why"), _UNMANNED.values(), ids=_UNMANNED)
def test_a_call_that_nobody_could_approve_is_known_when_it_is_held(group: ApproverGroup | None, quorum: int, why: str | None) -> None:
    """A group that is missing, empty or too small is found before anybody waits for it."""
    answer = why_unmanned(group, group_name="payments", owner=O, quorum=quorum)
    assert answer == why if why is None else answer is not None and why in answer


_PEOPLE = st.sampled_from([A, B, C, O, X])


_GROUPS = st.builds(ApproverGroup, st.just("payments"), st.frozensets(_PEOPLE), st.booleans())


@given(st.dictionaries(_PEOPLE, st.sampled_from(Choice)), _GROUPS, st.integers(-1, 6))
def test_no_set_of_votes_approves_without_a_quorum_of_the_right_people(votes: dict[str, Choice], group: ApproverGroup, quorum: int) -> None:
    """Whatever the votes are: an approval has at least one and at least `quorum` counted voters, all of them members, no denial."""
    right = set(counted(votes, group, O))
    assert right <= group.members
    assert group.self_approval or O not in right
    if tally(votes, group=group, owner=O, quorum=quorum) is Event.APPROVE:
        assert len(right) >= max(quorum, 1)
        assert NO not in votes.values()
