"""Clicks on Approve: what they do, what is said, and that whatever is wrong with one decides nothing."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from sqlmodel import Session, col, select

from tests.factories import Scene, make_policy
from tests.fakes.slack import FakeSlack
from tests.integration.clicking import (
    ALICE,
    BOB,
    CHANNEL,
    OLIVIA,
    TEAM,
    A,
    B,
    C,
    O,
    Stage,
    buttons,
    declare,
    person,
    reads,
    running,
)
from tests.waiting import eventually
from workflows import groups
from workflows.database import Database
from workflows.people import ApproverGroup
from workflows.quorum import Choice
from workflows.states import State
from workflows.tables import ApprovalRequest, Vote


def refusals(scene: Scene, request_id: str) -> list[str]:
    """Name who was refused, in order."""
    return [event.actor for event in scene.trail(request_id) if event.event == "request.refused"]


async def test_approve_settles_on_both_databases(database: Database, slack: FakeSlack) -> None:
    """One click is acknowledged within a second, casts the vote of who clicked, via slack, and says so to them alone."""
    scene = declare(Scene(database))
    async with running(scene, slack) as stage:
        request_id, card = await stage.held()
        assert await stage.click(A, card) == "Approved."
        assert scene.state(request_id) == State.APPROVED
        votes = scene.database.read(lambda session: session.exec(select(Vote).where(Vote.request_id == request_id)).all())
        assert [(vote.voter, vote.choice, vote.via) for vote in votes] == [(ALICE.key, "approve", "slack")]
        assert not stage.told(B)


async def test_quorum_counts_people(stage: Stage) -> None:
    """Of two approvals the first says 1 of 2 and settles nothing, a second click of the same person neither; another person settles it."""
    stage.scene.policy = make_policy(quorum=2)
    request_id, card = await stage.held()
    assert await stage.click(A, card) == "Approved. 1 of 2."
    assert stage.scene.state(request_id) == State.PENDING
    assert "already voted to approve" in await stage.click(A, card)
    assert stage.scene.state(request_id) == State.PENDING
    assert await stage.click(B, card) == "Approved. 2 of 2."
    assert stage.scene.state(request_id) == State.APPROVED


async def test_double_click_votes_once(stage: Stage) -> None:
    """Two clicks at once are one vote, and both are answered."""
    stage.scene.policy = make_policy(quorum=2)
    request_id, card = await stage.held()
    told = await stage.click(A, card, times=2)
    assert "Approved. 1 of 2." in told
    assert "already voted" in told
    assert stage.scene.votes(request_id) == {ALICE.key: "approve"}
    assert stage.scene.state(request_id) == State.PENDING


async def test_two_approvers_at_once(database: Database, slack: FakeSlack) -> None:
    """Of two people at once one settles it, and the other is told by whom and when."""
    scene = declare(Scene(database))
    async with running(scene, slack) as stage:
        request_id, card = await stage.held()
        said = await asyncio.gather(stage.click(A, card), stage.click(B, card))
        [loser] = [text for text in said if text != "Approved."]
        [winner] = scene.votes(request_id)
        assert "already approved" in loser
        assert winner.rpartition("/")[2] in loser
        assert "2026-01-15 12:0" in loser


async def test_already_decided_at_the_desk(stage: Stage) -> None:
    """Who clicks on a card after somebody decided elsewhere is told who did."""
    request_id, card = await stage.held()
    await asyncio.to_thread(stage.scene.vote, request_id, BOB, Choice.DENY)
    said = await stage.click(A, card)
    assert "already denied" in said
    assert B in said
    assert stage.scene.state(request_id) == State.DENIED


async def test_a_stranger_to_the_group_is_refused(stage: Stage) -> None:
    """T09 T27: being in the channel is nothing, and being an administrator is nothing: who is not in the group decides nothing."""
    request_id, card = await stage.held()
    assert "not in the approver group payments" in await stage.click(C, card)
    assert stage.scene.state(request_id) == State.PENDING
    assert refusals(stage.scene, request_id) == [person(C).key]
    assert not [message for message in stage.slack.messages(CHANNEL) if "not in the approver group" in reads(message.blocks)]


async def test_the_owner_of_the_agent_is_refused(stage: Stage) -> None:
    """T10: who answers for the agent approves none of its calls, though in the group."""
    request_id, card = await stage.held()
    assert "answer for this agent" in await stage.click(O, card)
    assert stage.scene.state(request_id) == State.PENDING
    assert refusals(stage.scene, request_id) == [OLIVIA.key]


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"deleted": True}, "deactivated"),
        ({"is_bot": True}, "bot"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_stranger": True}, "another Slack workspace"),
        ({"team": "T99OTHER"}, ""),
    ],
    ids=["deleted", "bot", "guest", "single-channel guest", "stranger", "other team"],
)
async def test_who_somebody_is_today_counts(stage: Stage, facts: dict[str, object], word: str) -> None:
    """T09 T20: an approver who was deactivated, or is a guest, a bot or a stranger at the click, decides nothing, and is told."""
    request_id, card = await stage.held()
    stage.slack.add_user(A, **facts)  # type: ignore[arg-type]  # one of its switches
    said = await stage.click(A, card)
    assert "Approved" not in said
    assert word in said
    assert stage.scene.state(request_id) == State.PENDING
    assert len(refusals(stage.scene, request_id)) == 1


@pytest.mark.parametrize("kind", ["error:user_not_found", "500", "429", "list", "hang"])
async def test_slack_cannot_say_who_it_is(stage: Stage, kind: str) -> None:
    """T12: when users.info fails, hangs or says nonsense, the answer is no, within three seconds."""
    request_id, card = await stage.held()
    stage.slack.fault("users.info", times=50, kind=kind)
    begun = asyncio.get_running_loop().time()
    assert "could not say who you are" in await stage.click(A, card)
    assert asyncio.get_running_loop().time() - begun < 3
    assert stage.scene.state(request_id) == State.PENDING
    assert refusals(stage.scene, request_id) == [ALICE.key]


async def test_members_of_a_user_group_decide_while_it_can_be_read(file: Scene, slack: FakeSlack) -> None:
    """T12 T20: membership of a Slack user group is a right; who left it has none, and when it cannot be read nobody has."""
    key = f"slack:{slack.team}/S01ONCALL"
    slack.add_user_group("S01ONCALL", "oncall", [A, B])
    declare(file, ApproverGroup("payments", frozenset(), user_groups=frozenset({key})))
    file.database.write(partial(groups.note_user_group, key=key, handle="oncall", members=[ALICE.key, BOB.key], now=file.now))
    async with running(file, slack) as stage:
        request_id, card = await stage.held()
        file.later(minutes=2)
        slack.fault("usergroups.users.list", times=50, kind="500")
        assert "Approved" not in await stage.click(A, card)
        assert file.state(request_id) == State.PENDING
        slack.clear_faults()
        slack.add_user_group("S01ONCALL", "oncall", [B])
        file.later(minutes=2)
        assert "not in the approver group" in await stage.click(A, card)
        assert await stage.click(B, card) == "Approved."


async def test_expired(stage: Stage) -> None:
    """T14: a click after the end decides nothing, though no sweep has run, and says so."""
    request_id, card = await stage.held()
    stage.scene.later(minutes=31)
    assert "expired at" in await stage.click(A, card)
    assert not stage.scene.votes(request_id)


async def test_a_request_that_changed_is_out_of_date(stage: Stage) -> None:
    """T05 T20: a card drawn before what it asks for changed decides nothing."""
    request_id, card = await stage.held()

    def harder(session: Session) -> None:
        row = session.exec(select(ApprovalRequest).where(col(ApprovalRequest.id) == request_id)).one()
        row.quorum = 2
        session.add(row)

    stage.scene.database.write(harder)
    assert "changed after what you saw" in await stage.click(A, card)
    assert not stage.scene.votes(request_id)
    assert refusals(stage.scene, request_id) == [ALICE.key]


async def copied(stage: Stage, request_id: str, change: Callable[[str], str] = str) -> str:
    """Post a card of the same looks again, as a post that was sent twice would be; gives its ts."""
    card = await stage.card(request_id)
    blocks = [
        {**block, "elements": [{**each, "value": change(each["value"])} for each in block["elements"]]}
        if block["type"] == "actions"
        else block
        for block in card.blocks
    ]
    answered = await stage.client.chat_postMessage(channel=CHANNEL, text="again", blocks=blocks)
    return str(answered["ts"])


async def test_an_orphan_card_decides_nothing(stage: Stage) -> None:
    """T07 T29: a second card of the same request, which Askfirst does not know, decides nothing and leads to the live one."""
    request_id, card = await stage.held()
    ts = await copied(stage, request_id)
    orphan = stage.slack.message(CHANNEL, ts)
    assert orphan is not None
    said = await stage.click(A, orphan)
    assert "not the card" in said
    assert "It is here: http" in said
    assert stage.scene.state(request_id) == State.PENDING
    rewritten = stage.slack.message(CHANNEL, ts)
    assert rewritten is not None
    assert not {"af_approve", "af_deny"} & set(buttons(rewritten.blocks))
    assert await stage.click(A, card) == "Approved."


async def test_the_button_of_another_request(stage: Stage) -> None:
    """T07: a card that carries the button of another request decides neither."""
    other, _ = await stage.held()
    request_id, card = await stage.held()
    value = buttons((await stage.card(other)).blocks)["af_approve"]["value"]
    ts = await copied(stage, request_id, lambda _: value)
    forged = stage.slack.message(CHANNEL, ts)
    assert forged is not None
    assert "not the card" in await stage.click(A, forged)
    assert "not the card" in await stage.click(A, card, value=value)
    assert [stage.scene.state(each) for each in (other, request_id)] == [State.PENDING, State.PENDING]


@pytest.mark.parametrize(
    "value",
    ["", "r:", "approve", "r:apr_00:abcdefabcdef", "r:apr_0123456789abcdef:" + "0" * 12, "r:apr_x' OR 1=1:" + "0" * 12, "x" * 1_990, "{}"],
)
async def test_forged_values_decide_nothing(stage: Stage, value: str) -> None:
    """T07 T28: a value that no card of ours carries decides nothing, and is answered."""
    request_id, card = await stage.held()
    said = await stage.click(A, card, value=value)
    assert "othing was decided" in said
    assert stage.scene.state(request_id) == State.PENDING


async def test_a_forged_mark_decides_nothing(stage: Stage) -> None:
    """T07 T21: the id alone is not enough: the mark of what was seen is compared with the stored request."""
    request_id, card = await stage.held()
    value = buttons(card.blocks)["af_approve"]["value"]
    wrong = value[:-1] + ("0" if value[-1] != "0" else "1")
    assert "nothing was decided" in await stage.click(A, card, value=wrong)
    assert stage.scene.state(request_id) == State.PENDING


async def test_a_payload_delivered_twice_or_replayed(stage: Stage) -> None:
    """T07 T29: the same click delivered twice, and once more later, is one vote."""
    stage.scene.policy = make_policy(quorum=2)
    request_id, card = await stage.held()
    stage.slack.deliver_twice = True
    await stage.slack.click(A, CHANNEL, card.ts, "af_approve")
    stage.slack.deliver_twice = False
    await eventually(lambda: stage.scene.votes(request_id))
    await stage.slack.replay_last()
    assert await stage.click(B, card) == "Approved. 2 of 2."
    assert stage.scene.votes(request_id) == {ALICE.key: "approve", BOB.key: "approve"}
    assert stage.scene.events(request_id).count("request.vote") == 1


async def test_an_old_card_works_after_a_restart(file: Scene, slack: FakeSlack) -> None:
    """A card that another process posted, and that is repainted by this one, decides as if nothing had been."""
    async with running(file, slack) as stage:
        request_id, card = await stage.held()
    async with running(file, slack) as stage:
        assert await stage.click(A, card) == "Approved."
        assert file.state(request_id) == State.APPROVED


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
async def test_two_processes_and_one_click(database: Database, slack: FakeSlack) -> None:
    """T22 T29: when two processes get the same click it is one vote."""
    scene = declare(Scene(database), TEAM)
    scene.policy = make_policy(quorum=2)
    slack.deliver_twice = True
    async with running(scene, slack) as stage, running(scene, slack):
        request_id, card = await stage.held()
        await slack.click(A, CHANNEL, card.ts, "af_approve")
        await eventually(lambda: scene.votes(request_id))
        await eventually(lambda: len(stage.told(A)) == 2)
        assert scene.events(request_id).count("request.vote") == 1


async def test_an_answer_finds_another_way(stage: Stage) -> None:
    """T24: when the response_url is dead the answer comes as an ephemeral message, and when that fails as a direct message."""
    request_id, card = await stage.held()
    stage.slack.fault("response_url", times=9, kind="500")
    assert "not in the approver group" in await stage.click(C, card)
    stage.slack.fault("chat.postEphemeral", times=9, kind="error:user_not_in_channel")
    await stage.slack.click(C, CHANNEL, card.ts, "af_approve")
    [told] = await eventually(lambda: stage.slack.dms(C))
    assert "not in the approver group" in reads(told.blocks)
    assert stage.scene.state(request_id) == State.PENDING


async def test_a_database_that_is_gone(stage: Stage) -> None:
    """T12: a click that the database does not take is answered, and nothing is decided."""
    _, card = await stage.held()
    stage.scene.database.close()
    said = await stage.click(A, card)
    assert "Approved" not in said
    assert "othing was changed" in said


async def test_the_home_decides_by_the_same_check(stage: Stage) -> None:
    """T26: Approve in the Home votes like a card's, for members and for nobody else; the answer is a modal."""
    request_id, _ = await stage.held()
    await stage.slack.open_home(A)
    value = await eventually(lambda: buttons(stage.slack.homes[A]["blocks"])["af_approve"]["value"] if A in stage.slack.homes else None)
    await stage.slack.open_home(C)
    await eventually(lambda: C in stage.slack.homes)
    await stage.slack.click_home(C, "af_approve", value=value)
    await stage.modal(C, "not in the approver group")
    assert stage.scene.state(request_id) == State.PENDING
    await stage.slack.click_home(A, "af_approve", value=value)
    await stage.modal(A, "Approved.")
    assert stage.scene.state(request_id) == State.APPROVED
    await eventually(lambda: "af_approve" not in buttons(stage.slack.homes[A]["blocks"]), within=8)
