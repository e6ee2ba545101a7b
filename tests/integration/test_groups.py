"""Whose word counts: approver groups with Slack user groups, who Slack says somebody is, and who may change a group."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import Session

from tests.factories import ALICE, BOB, CAROL, OLIVIA, PAYMENTS, Scene, make_call, make_grant, make_policy
from workflows import groups, lifecycle
from workflows.errors import AskfirstError, BadGroup, BadName, BadPerson, GroupChanged, NotAllowed, NotFound, Taken, Unmanned
from workflows.lifecycle import Choice
from workflows.people import ApproverGroup, Identity, Person
from workflows.tables import ApprovalRequest, Group

ONCALL = "slack:T01TEST/S01ONCALL"
DORA, ERIN = Person("slack:T01TEST/U01DORA"), Person("slack:T01TEST/U01ERIN")
ADMINS = frozenset({ALICE.key})
WITH_ONCALL = replace(PAYMENTS, user_groups=frozenset({ONCALL}))


def _read(scene: Scene, *members: Person) -> Scene:
    keys = [member.key for member in members]
    scene.database.write(partial(groups.note_user_group, key=ONCALL, handle="oncall", members=keys, now=scene.now))
    return scene


def _find(scene: Scene, *, fresh: bool = True) -> ApproverGroup:
    found = scene.database.read(partial(groups.find, name="payments", now=scene.now if fresh else None))
    assert found is not None
    return found


def _click(
    scene: Scene, request_id: str, actor: Person, choice: Choice = Choice.APPROVE, *, identity: Identity | None = None
) -> ApprovalRequest:
    """Vote as Slack does; unless a test says otherwise, as a full member of the workspace."""
    who = identity or Identity(actor.key)
    return scene.database.write(
        partial(lifecycle.vote, request_id=request_id, actor=actor, choice=choice, reason=None, via="slack", now=scene.now, identity=who)
    )


@pytest.fixture
def oncall(scene: Scene) -> Scene:
    """The group has a Slack user group with Dora in it, read just now."""
    scene.declare(WITH_ONCALL)
    _read(scene, DORA)
    return scene


def test_a_user_group_adds_its_members_for_a_minute(oncall: Scene) -> None:
    """To the second; after it they have no right, and are still shown."""
    for seconds in (0, 60):
        oncall.later(seconds=seconds)
        assert _find(oncall) == replace(WITH_ONCALL, members=PAYMENTS.members | {DORA.key})
    oncall.later(microseconds=1)
    assert _find(oncall) == replace(WITH_ONCALL, stale=True)
    assert _find(oncall, fresh=False).members == PAYMENTS.members | {DORA.key}
    oncall.later(minutes=-30)
    assert _find(oncall).stale, "what was read by a clock that ran ahead does not count for longer"


def test_t27_nobody_is_in_a_user_group_that_is_empty_unread_or_gone(oncall: Scene) -> None:
    """T27: an empty list is nobody, and so is one that was never read, or that no longer exists."""
    _read(oncall)
    assert _find(oncall) == WITH_ONCALL
    oncall.database.write(partial(groups.forget_user_group, key=ONCALL))
    oncall.database.write(partial(groups.forget_user_group, key=ONCALL))
    assert _find(oncall) == replace(WITH_ONCALL, stale=True)
    assert _find(oncall, fresh=False) == WITH_ONCALL


def test_what_was_read_is_told_when_it_changed(oncall: Scene) -> None:
    """The trail says who had a right and since when; reading the same again adds nothing."""
    before = len(oncall.events())
    oncall.later(seconds=30)
    _read(oncall, DORA)
    assert len(oncall.events()) == before
    _read(oncall, ERIN, DORA, ERIN)
    assert oncall.last() == {"user_group": ONCALL, "members": [DORA.key, ERIN.key], "what": "read from Slack"}
    [row] = oncall.database.read(groups.user_groups).values()
    assert (row.key, row.handle, row.read_at) == (ONCALL, "oncall", oncall.now)
    assert oncall.database.read(groups.user_groups_asked) == {ONCALL}


def test_t27_only_ids_are_read(scene: Scene) -> None:
    """T27: a name, a handle or an address is nobody's key; what has one among its members is not written at all."""
    for key, members in (
        (ONCALL, ["Dora"]),
        (ONCALL, ["dora@example.com"]),
        ("@oncall", [DORA.key]),
        ("slack:T01TEST/U01DORA", [DORA.key]),
    ):
        with pytest.raises(BadPerson):
            scene.database.write(partial(groups.note_user_group, key=key, handle="x", members=members, now=scene.now))
    assert scene.database.read(groups.user_groups) == {}


def test_a_member_of_a_user_group_decides(oncall: Scene) -> None:
    """Approves, denies and withdraws, as everybody else in the group."""
    assert _click(oncall, oncall.held(), DORA).decided_by == DORA.key
    assert _click(oncall, oncall.held(), DORA, Choice.DENY).state == "denied"
    withdraw = partial(lifecycle.cancel, actor=DORA, reason=None, via="slack", now=oncall.now, identity=Identity(DORA.key))
    assert oncall.database.write(partial(withdraw, request_id=oncall.held())).state == "cancelled"


_NOBODY: dict[str, tuple[Identity | None, str]] = {
    "unknown": (None, "Slack could not say who you are just now"),
    "somebody else": (Identity(ERIN.key), "Slack could not say who you are just now"),
    "the same user id of another workspace": (Identity("slack:T02OTHER/U01DORA"), "Slack could not say who you are just now"),
    "deactivated": (Identity(DORA.key, deleted=True), "deactivated"),
    "a bot": (Identity(DORA.key, bot=True), "A bot decides nothing"),
    "a guest": (Identity(DORA.key, guest=True), "payments takes no guests"),
    "of another workspace": (Identity(DORA.key, external=True), "payments takes nobody from outside"),
    "everything at once": (Identity(DORA.key, deleted=True, bot=True, guest=True, external=True), "deactivated"),
}


@pytest.mark.parametrize(("identity", "why"), _NOBODY.values(), ids=_NOBODY)
def test_t09_who_slack_does_not_vouch_for_decides_nothing(oncall: Scene, identity: Identity | None, why: str) -> None:
    """T09: though their key is in the group. Nothing changes, and the attempt is told, whichever verb it was."""
    request_id = oncall.held()
    before = oncall.row(request_id)
    attempts: dict[str, Callable[[Session], object]] = {
        choice: partial(
            lifecycle.vote,
            request_id=request_id,
            actor=DORA,
            choice=choice,
            reason=None,
            via="slack",
            now=oncall.now,
            identity=identity,
        )
        for choice in Choice
    }
    attempts["cancel"] = partial(
        lifecycle.cancel, request_id=request_id, actor=DORA, reason=None, via="slack", now=oncall.now, identity=identity
    )
    for what, attempt in attempts.items():
        with pytest.raises(NotAllowed, match=why) as refused:
            oncall.database.write(attempt)
        told = oncall.last(request_id)
        assert (told["tried"], told["why"], told["via"]) == (what, str(refused.value), "slack")
        assert oncall.events(request_id)[-1] == "request.refused"
    assert (oncall.row(request_id), oncall.votes(request_id)) == (before, {})


def test_t09_a_deactivated_owner_withdraws_nothing_either(scene: Scene) -> None:
    """T09: the owner is no member, and the same look at who they are comes first."""
    owner = Person("slack:T01TEST/U01OLIVIA")
    scene.declare(grants_=[make_grant(owner=owner.key)])
    request_id = scene.held()
    withdraw = partial(lifecycle.cancel, request_id=request_id, actor=owner, reason=None, via="slack", now=scene.now)
    for identity in (None, Identity(owner.key, deleted=True)):
        with pytest.raises(NotAllowed):
            scene.database.write(partial(withdraw, identity=identity))
    assert scene.database.write(partial(withdraw, identity=Identity(owner.key))).state == "cancelled"


def test_t09_guests_and_people_from_outside_decide_where_the_group_says_so(oncall: Scene) -> None:
    """T09: each by its own option, and a bot never."""
    guest, outside = Identity(DORA.key, guest=True), Identity(DORA.key, external=True)
    for allowed, refused, option in ((guest, outside, {"guests": True}), (outside, guest, {"external": True})):
        oncall.declare(replace(WITH_ONCALL, **option))  # type: ignore[arg-type]  # flags of the group
        request_id = oncall.held()
        for identity in (refused, replace(allowed, bot=True)):
            with pytest.raises(NotAllowed):
                _click(oncall, request_id, DORA, identity=identity)
        assert _click(oncall, request_id, DORA, identity=allowed).state == "approved"


def test_t27_a_display_name_gives_nothing(oncall: Scene) -> None:
    """T27: somebody who calls themselves what a member is called is still nobody."""
    mallory = Person("slack:T01TEST/U01MALLORY")
    with pytest.raises(NotAllowed, match="not in the approver group"):
        _click(oncall, oncall.held(), mallory, identity=Identity(mallory.key, name=DORA.key))


def test_t10_the_owner_is_no_approver_by_a_user_group_either(scene: Scene) -> None:
    """T10: who answers for an agent may not approve its calls, however they came into the group; and one person is one vote."""
    scene.policy = make_policy(quorum=2)
    scene.declare(WITH_ONCALL, grants_=[make_grant(owner=DORA.key)])
    _read(scene, DORA, ERIN)
    request_id = scene.held()
    with pytest.raises(NotAllowed, match="You answer for this agent"):
        _click(scene, request_id, DORA)
    assert _click(scene, request_id, ERIN).state == "pending"
    with pytest.raises(NotAllowed, match="already voted"):
        _click(scene, request_id, ERIN)
    assert _click(scene, request_id, ALICE).state == "approved"


def test_t20_authority_is_read_at_the_click(oncall: Scene) -> None:
    """T20: who left the user group since the call was held has no vote; who came has one; who cannot be looked up has none."""
    request_id = oncall.held()
    _read(oncall, ERIN)
    with pytest.raises(NotAllowed, match="not in the approver group"):
        _click(oncall, request_id, DORA)
    oncall.later(seconds=61)
    with pytest.raises(NotAllowed, match="Slack could not say just now who is in the user groups of payments"):
        _click(oncall, request_id, ERIN)
    withdraw = partial(lifecycle.cancel, request_id=request_id, actor=ERIN, reason=None, via="slack", identity=Identity(ERIN.key))
    with pytest.raises(NotAllowed, match="Slack could not say just now"):
        oncall.database.write(partial(withdraw, now=oncall.now))
    assert oncall.vote(request_id, ALICE).state == "approved", "who the group names itself needs no Slack"


def test_t20_what_a_request_needs_is_not_lowered_while_it_waits(scene: Scene) -> None:
    """T20: its quorum is the larger of the rule's and the group's when it was held; a group that asks for less changes nothing."""
    scene.declare(replace(PAYMENTS, quorum=2))
    request_id = scene.held()
    assert scene.row(request_id).quorum == 2
    scene.declare(PAYMENTS)
    assert scene.vote(request_id, ALICE).state == "pending"
    assert scene.vote(request_id, BOB).state == "approved"
    scene.policy = make_policy(quorum=3)
    assert scene.row(scene.held()).quorum == 3


def test_t20_a_group_that_asks_for_more_voids_what_was_approved_with_less(scene: Scene) -> None:
    """T20: what is needed is only ever tightened."""
    request_id = scene.approved()
    scene.declare(replace(PAYMENTS, quorum=2))
    assert scene.claim(request_id) is None
    row = scene.row(request_id)
    assert (row.state, row.decision_reason) == ("cancelled", "The approver group asks for more approvals now than were given.")


def test_a_card_goes_where_the_rule_says_else_where_the_group_says(scene: Scene) -> None:
    """The rule's channel, then the group's, then none."""
    assert scene.row(scene.held()).channel is None
    scene.declare(replace(PAYMENTS, channel="#payments"))
    assert scene.row(scene.held()).channel == "#payments"
    scene.policy = make_policy(approval={"approvers": "payments", "channel": "#refunds"})
    assert scene.row(scene.held()).channel == "#refunds"


def test_t27_a_group_that_could_not_reach_its_own_quorum_holds_nothing(scene: Scene) -> None:
    """T27: too small for what the group asks, or nobody known to be in its user group: the call is denied at once."""
    for group in (
        replace(PAYMENTS, quorum=4),
        ApproverGroup("payments", frozenset(), user_groups=frozenset({ONCALL})),
        ApproverGroup("payments", frozenset({ALICE.key}), user_groups=frozenset({ONCALL}), quorum=2),
    ):
        scene.declare(group)
        with pytest.raises(Unmanned):
            scene.hold()
    _read(scene, DORA)
    scene.later(hours=1)
    assert scene.row(scene.held()).quorum == 2, "who was read last is enough to ask; to decide they are read again"


def test_a_vote_that_would_settle_waits_until_the_earlier_ones_can_be_judged(scene: Scene) -> None:
    """Counted as nothing now, it would leave the request waiting with all the votes that it needs."""
    scene.policy = make_policy(quorum=2)
    scene.declare(WITH_ONCALL)
    _read(scene, DORA)
    request_id, denied = scene.held(), scene.held()
    for key in (request_id, denied):
        _click(scene, key, DORA)
    scene.later(seconds=61)
    with pytest.raises(NotAllowed, match="Slack could not say just now"):
        scene.vote(request_id, ALICE)
    assert scene.votes(request_id) == {DORA.key: "approve"}
    assert scene.vote(denied, ALICE, Choice.DENY).state == "denied", "a no never waits"
    _read(scene, DORA)
    assert scene.vote(request_id, ALICE).state == "approved"


def test_a_release_waits_for_a_user_group_that_cannot_be_read(oncall: Scene) -> None:
    """It is neither run nor voided: nothing is known to have changed. Read again, it runs."""
    request_id = oncall.held()
    _click(oncall, request_id, DORA)
    oncall.later(seconds=61)
    before = (oncall.row(request_id), oncall.events())
    assert oncall.claim(request_id) is None
    assert (oncall.row(request_id), oncall.events()) == before
    _read(oncall, DORA)
    assert oncall.claim(request_id) is not None


_LEFT: dict[str, Callable[[Scene], object]] = {
    "left it": lambda scene: _read(scene, ERIN),
    "is not known to be in it": lambda scene: scene.database.write(partial(groups.forget_user_group, key=ONCALL)),
    "left it, and it is not fresh": lambda scene: _read(scene, ERIN).later(minutes=5),
    "is no more asked by it": lambda scene: scene.declare(PAYMENTS),
}


@pytest.mark.parametrize("leave", _LEFT.values(), ids=_LEFT)
def test_t20_an_approval_of_somebody_who_left_the_user_group_is_void(oncall: Scene, leave: Callable[[Scene], object]) -> None:
    """T20: at the release the group is read once more."""
    request_id = oncall.held()
    _click(oncall, request_id, DORA)
    leave(oncall)
    assert oncall.claim(request_id) is None
    assert oncall.row(request_id).decision_reason == "An approver no longer has the right to approve this."


def test_a_policy_that_asks_for_more_voids_though_slack_cannot_be_read(oncall: Scene) -> None:
    """Waiting is only for what Slack could still settle."""
    call = make_call()
    request_id = oncall.held(call=call)
    _click(oncall, request_id, DORA)
    oncall.later(seconds=61)
    oncall.policy = make_policy(quorum=2)
    assert oncall.claim(request_id) is None
    assert "asks for another approval" in (oncall.row(request_id).decision_reason or "")


BOARD = ApproverGroup(
    "board", frozenset({BOB.key}), user_groups=frozenset({ONCALL}), quorum=2, channel="C01BOARD", guests=True, direct=True
)


def _create(scene: Scene, group: ApproverGroup = BOARD, *, actor: Person = ALICE, admins: frozenset[str] = ADMINS) -> Group:
    return scene.database.write(partial(groups.create, group=group, actor=actor, admins=admins, via="slack", now=scene.now))


def _edit(scene: Scene, group: ApproverGroup, version: int, *, actor: Person = ALICE, admins: frozenset[str] = ADMINS) -> Group:
    return scene.database.write(partial(groups.edit, group=group, version=version, actor=actor, admins=admins, via="slack", now=scene.now))


def _delete(scene: Scene, name: str, version: int, *, actor: Person = ALICE, admins: frozenset[str] = ADMINS) -> None:
    scene.database.write(partial(groups.delete, name=name, version=version, actor=actor, admins=admins, via="slack", now=scene.now))


def _board(scene: Scene) -> ApproverGroup | None:
    return scene.database.read(partial(groups.find, name="board"))


def test_an_administrator_makes_changes_and_removes_a_group(scene: Scene) -> None:
    """Each step is a new version and a row in the trail that says all that the group gives."""
    row = _create(scene)
    assert (row.version, row.declared, _board(scene)) == (1, False, BOARD)
    assert scene.last() == {
        "group": "board",
        "members": [BOB.key],
        "user_groups": [ONCALL],
        "self_approval": False,
        "quorum": 2,
        "channel": "C01BOARD",
        "guests": True,
        "external": False,
        "direct": True,
        "via": "slack",
    }
    scene.later(minutes=1)
    changed = ApproverGroup("board", frozenset({BOB.key, CAROL.key}), self_approval=True, external=True)
    row = _edit(scene, changed, 1)
    assert (row.version, row.updated_at, _board(scene)) == (2, scene.now, changed)
    assert (scene.last()["self_approval"], scene.last()["version"]) == (True, 2)
    _delete(scene, "board", 2)
    assert _board(scene) is None
    assert scene.events()[-3:] == ["group.create", "group.edit", "group.delete"]
    assert [row.actor for row in scene.trail()[-3:]] == [ALICE.key] * 3
    scene.declare()
    assert [row.name for row in scene.database.read(groups.listing)] == ["payments"]


_GROUP_REFUSALS: dict[str, tuple[Callable[[Scene], object], type[AskfirstError], str]] = {
    "made by nobody in particular": (lambda scene: _create(scene, replace(BOARD, name="new"), actor=BOB), NotAllowed, "Only the admin"),
    "edited by a member": (lambda scene: _edit(scene, BOARD, 1, actor=BOB), NotAllowed, "Only the administrators"),
    "deleted by a member": (lambda scene: _delete(scene, "board", 1, actor=BOB), NotAllowed, "Only the administrators"),
    "no administrators are nobody": (lambda scene: _edit(scene, BOARD, 1, admins=frozenset()), NotAllowed, "Only the administrators"),
    "a declared one is edited": (lambda scene: _edit(scene, PAYMENTS, 1), NotAllowed, "declared in the config file"),
    "a declared one is deleted": (lambda scene: _delete(scene, "payments", 1), NotAllowed, "declared in the config file"),
    "a declared one is made": (lambda scene: _create(scene, PAYMENTS), Taken, "There is a group payments already"),
    "made twice": (_create, Taken, "There is a group board already"),
    "another version is edited": (lambda scene: _edit(scene, BOARD, 2), GroupChanged, "Somebody changed this group"),
    "another version is deleted": (lambda scene: _delete(scene, "board", 0), GroupChanged, "Somebody changed this group"),
    "one that is gone is edited": (lambda scene: _edit(scene, replace(BOARD, name="gone"), 1), NotFound, "no group 'gone' any more"),
    "one that is gone is deleted": (lambda scene: _delete(scene, "gone\0\ud800", 1), NotFound, "any more"),
    "a bad name": (lambda scene: _create(scene, replace(BOARD, name="The Board")), BadName, "A name has"),
    "an empty name": (lambda scene: _create(scene, replace(BOARD, name="")), BadName, "A name has"),
    "a member by name": (lambda scene: _create(scene, replace(BOARD, name="n", members=frozenset({"Bob"}))), BadPerson, "names no person"),
    "a user group by name": (
        lambda scene: _create(scene, replace(BOARD, name="n", user_groups=frozenset({"@oncall"}))),
        BadPerson,
        "names no Slack user group",
    ),
    "a channel that is none": (lambda scene: _edit(scene, replace(BOARD, channel="<!here>"), 1), BadGroup, "names no channel"),
    "nobody": (lambda scene: _edit(scene, ApproverGroup("board", frozenset()), 1), BadGroup, "Nobody is in this group"),
    "more approvals than people": (
        lambda scene: _edit(scene, ApproverGroup("board", frozenset({BOB.key}), quorum=2), 1),
        BadGroup,
        "asks for 2 approvals and names 1 person",
    ),
    "no approvals": (lambda scene: _edit(scene, replace(BOARD, quorum=0), 1), BadGroup, "At least 1 approval"),
}


@pytest.mark.parametrize(("attempt", "refusal", "why"), _GROUP_REFUSALS.values(), ids=_GROUP_REFUSALS)
def test_a_refused_change_of_a_group_changes_nothing_and_is_told(
    scene: Scene, attempt: Callable[[Scene], object], refusal: type[AskfirstError], why: str
) -> None:
    """Who tried what, and why not, is in the trail."""
    _create(scene)
    before = scene.database.read(groups.listing)
    with pytest.raises(refusal, match=why) as refused:
        attempt(scene)
    assert scene.database.read(groups.listing) == before
    row = scene.trail()[-1]
    detail = json.loads(row.detail)
    assert row.event == "group.refused"
    assert (detail["code"], detail["why"], detail["via"]) == (refusal.code, str(refused.value), "slack")
    assert detail["tried"] in {"create", "edit", "delete"}


def test_two_editors_do_not_overwrite_each_other(scene: Scene) -> None:
    """Whoever saves second is told, and what the first one wrote stays."""
    version = _create(scene).version
    _edit(scene, replace(BOARD, members=frozenset({CAROL.key})), version)
    with pytest.raises(GroupChanged):
        _edit(scene, replace(BOARD, members=frozenset({OLIVIA.key})), version)
    found = _board(scene)
    assert found is not None
    assert found.members == {CAROL.key}


def test_a_group_that_is_waited_for_is_not_removed(scene: Scene) -> None:
    """Nobody could decide what asks it any more; afterwards it goes."""
    scene.policy = make_policy(approval={"approvers": "board"})
    _create(scene, replace(BOARD, quorum=1))
    request_id = scene.held()
    with pytest.raises(NotAllowed, match="1 request waits for the group board"):
        _delete(scene, "board", 1)
    scene.vote(request_id, BOB, Choice.DENY)
    _delete(scene, "board", 1)
    assert _board(scene) is None


def test_every_option_of_a_declared_group_is_made_true(scene: Scene) -> None:
    """Each is written when it changes, with a new version; the same again is no change."""
    options: list[dict[str, object]] = [
        {"user_groups": frozenset({ONCALL})},
        {"quorum": 2},
        {"channel": "#x"},
        {"guests": True},
        {"external": True},
        {"direct": True},
    ]
    for count, option in enumerate(options):
        group = replace(PAYMENTS, **option)  # type: ignore[arg-type]  # the fields of a group
        for _ in range(2):
            scene.declare(group)
            assert scene.database.read(partial(groups.find, name="payments")) == group
        [row] = scene.database.read(groups.listing)
        assert (row.version, scene.events().count("group.sync")) == (count + 2, count + 2)


def test_a_channel_is_an_id_or_a_name() -> None:
    """Nothing that could be markup or a mention."""
    assert [groups.parse_channel(text) for text in ("C01APPROVALS", "G01OLD", "#agent-approvals", "#größe")]
    for text in ("", "agent-approvals", "#", "#a b", "<!channel>", "#<!here>", "U01DORA", "@dora", "#x\n", "#" + "x" * 81):
        with pytest.raises(BadGroup, match="names no channel"):
            groups.parse_channel(text)


def test_fresh_is_a_minute() -> None:
    """The longest that a user group is believed."""
    assert timedelta(minutes=1) == groups.FRESH
