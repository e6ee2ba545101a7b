"""Forms and pages: reasons, changes, comments, and arguments that have to be read before they can be approved."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from tests.factories import Scene, make_call, make_policy
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.values import Answer
from tests.integration.clicking import ALICE, BOB, CHANNEL, LONG, A, B, C, Stage, buttons, reads, running
from tests.waiting import eventually
from workflows.policy import Policy
from workflows.policy.situation import KnownTool
from workflows.quorum import Choice
from workflows.states import State
from workflows.tables import Reading

SECRET = "sk_live_" + "a1b2c3d4e5f6a7b8c9d0"


def wanting(reason: str) -> Policy:
    """A policy that wants a reason: "deny" or "always"."""
    return make_policy(approval={"approvers": "payments", "expires_in": "30m", "reason_required": reason})


def fields(view: dict[str, Any], **values: str) -> dict[str, dict[str, str]]:
    """Fill in a form: its fields by block."""
    named = {block["block_id"]: block["element"]["action_id"] for block in view["blocks"] if block["type"] == "input"}
    return {block: {named[block]: value} for block, value in values.items()}


async def submit(stage: Stage, user: str, view: dict[str, Any], **values: str) -> Answer:
    """Submit a form; the answer comes in time, and Slack takes it."""
    for block in stage.slack.view(user, view["id"])["blocks"]:
        block.update({"optional": True} if block["type"] == "input" else {})  # a client would not send an empty field; something else might
    answer = await stage.slack.submit(user, view["id"], fields(view, **values))
    assert answer.acked
    assert not answer.refused
    return answer


async def test_deny_with_a_reason(stage: Stage) -> None:
    """Deny asks for a reason; what was typed is the decision's reason."""
    request_id, card = await stage.held()
    view = await stage.open(A, card, "af_deny", "reason")
    await submit(stage, A, view, reason="The customer has to ask first.")
    await stage.modal(A, "Denied.")
    row = stage.scene.row(request_id)
    assert (row.state, row.decided_by) == (State.DENIED, ALICE.key)
    assert "The customer has to ask first." in str(row.decision_reason)


async def test_deny_with_a_preset(stage: Stage) -> None:
    """A preset reason is a reason, and words are added to it."""
    request_id, card = await stage.held()
    view = await stage.open(A, card, "af_deny", "preset")
    [options] = [block["element"]["options"] for block in view["blocks"] if block.get("block_id") == "preset"]
    await submit(stage, A, view, preset=options[0]["value"], reason="See the ticket.")
    row = stage.scene.row(request_id)
    assert row.state == State.DENIED
    assert str(row.decision_reason).endswith("See the ticket.")
    assert len(str(row.decision_reason)) > len("See the ticket.")


async def test_a_reason_that_the_policy_wants(stage: Stage) -> None:
    """Without the reason that the policy wants the form says so at its field, and nothing is decided."""
    stage.scene.policy = wanting("deny")
    request_id, card = await stage.held()
    view = await stage.open(A, card, "af_deny", "reason")
    answer = await submit(stage, A, view)
    assert answer.body["response_action"] == "errors"
    assert "reason" in answer.body["errors"]
    assert stage.scene.state(request_id) == State.PENDING
    await submit(stage, A, view, reason="No.")
    assert stage.scene.state(request_id) == State.DENIED


async def test_a_stale_form(stage: Stage) -> None:
    """A form that was filled in while somebody else decided says who did and when; the decision stays."""
    request_id, card = await stage.held()
    view = await stage.open(A, card, "af_deny", "reason")
    await asyncio.to_thread(stage.scene.vote, request_id, BOB)
    answer = await submit(stage, A, view, reason="Too late.")
    assert answer.body["response_action"] == "update"
    said = reads(answer.body["view"]["blocks"])
    assert "already approved" in said
    assert "2026-01-15 12:0" in said
    assert stage.scene.state(request_id) == State.APPROVED


async def test_request_changes(stage: Stage) -> None:
    """Request changes denies with guidance, which must be there."""
    request_id, card = await stage.held()
    view = await stage.open(A, card, "af_changes", "comment")
    answer = await submit(stage, A, view, comment="   ")
    assert answer.body["response_action"] == "errors"
    assert stage.scene.state(request_id) == State.PENDING
    await submit(stage, A, view, comment="Refund in two parts.")
    row = stage.scene.row(request_id)
    assert (row.state, row.decision_reason) == (State.DENIED, "Changes requested: Refund in two parts.")


async def test_approve_with_a_comment(stage: Stage) -> None:
    """Where the policy wants a reason to approve, Approve asks for it, and the comment is the reason."""
    stage.scene.policy = wanting("always")
    request_id, card = await stage.held()
    assert "af_approve" not in buttons(card.blocks)
    view = await stage.open(A, card, "af_approve_with", "comment")
    answer = await submit(stage, A, view)
    assert answer.body["response_action"] == "errors"
    await submit(stage, A, view, comment="Checked with the shop.")
    row = stage.scene.row(request_id)
    assert (row.state, row.decision_reason) == (State.APPROVED, "Checked with the shop.")


@pytest.mark.parametrize("action", ["af_deny", "af_changes", "af_approve_with"])
async def test_who_may_not_vote_gets_no_form(stage: Stage, action: str) -> None:
    """T26: who may not vote is told so when they open a form, and it is in the trail; the request is as it was."""
    if action == "af_approve_with":
        stage.scene.policy = wanting("always")
    request_id, card = await stage.held()
    version = stage.scene.row(request_id).version
    view = await stage.open(C, card, action, "not in the approver group")
    assert not [block for block in view["blocks"] if block["type"] == "input"]
    assert stage.scene.events(request_id).count("request.refused") == 1
    assert (stage.scene.state(request_id), stage.scene.row(request_id).version) == (State.PENDING, version)


async def test_opening_a_form_decides_nothing(stage: Stage) -> None:
    """The check before a form leaves no vote and no trail."""
    request_id, card = await stage.held()
    before = stage.scene.events(request_id)
    await stage.open(A, card, "af_deny", "reason")
    assert not stage.scene.votes(request_id)
    assert stage.scene.events(request_id) == before


async def test_a_form_is_judged_when_it_is_sent(stage: Stage) -> None:
    """T26 T20: who was deactivated while they filled in a form denies nothing."""
    request_id, card = await stage.held()
    view = await stage.open(A, card, "af_deny", "reason")
    stage.slack.add_user(A, deleted=True)
    answer = await submit(stage, A, view, reason="No.")
    assert "Denied" not in reads(answer.body["view"]["blocks"])
    assert stage.scene.state(request_id) == State.PENDING


async def test_a_form_when_slack_is_slow(stage: Stage) -> None:
    """The form is answered in time though Slack takes long to say who it is; the refusal follows in the same modal."""
    request_id, card = await stage.held()
    view = await stage.open(A, card, "af_deny", "reason")
    stage.slack.fault("users.info", times=9, kind="hang")
    await submit(stage, A, view, reason="No.")
    await stage.modal(A, "could not say who you are")
    assert stage.scene.state(request_id) == State.PENDING


async def test_a_form_that_slack_does_not_open(stage: Stage) -> None:
    """When the trigger has expired, who clicked is asked to click again."""
    request_id, card = await stage.held()
    stage.slack.fault("views.open", times=1, kind="error:expired_trigger_id")
    assert "click again" in await stage.click(A, card, "af_deny")
    assert stage.scene.state(request_id) == State.PENDING


@pytest.mark.parametrize(
    "metadata", ["", "{}", "[]", "nonsense", '{"r":"apr_00","d":"000000000000","p":1}', '{"r":1,"d":2,"p":3}', "[" * 2_000]
)
async def test_forged_metadata(stage: Stage, metadata: str) -> None:
    """T07 T28: what a form carries is compared with the stored request; anything else decides nothing and is answered."""
    request_id, card = await stage.held()
    view = await stage.open(A, card, "af_deny", "reason")
    stage.top(A)["private_metadata"] = metadata
    answer = await submit(stage, A, view, reason="No.")
    assert "othing was decided" in json.dumps(answer.body)
    assert stage.scene.state(request_id) == State.PENDING


async def test_metadata_of_another_request(stage: Stage) -> None:
    """T07: a form with the id of one request and the mark of another decides neither."""
    other, _ = await stage.held()
    request_id, card = await stage.held()
    view = await stage.open(A, card, "af_deny", "reason")
    carried = json.loads(view["private_metadata"])
    stage.top(A)["private_metadata"] = json.dumps({**carried, "r": other})
    answer = await submit(stage, A, view, reason="No.")
    assert "changed after what you saw" in json.dumps(answer.body)
    assert [stage.scene.state(each) for each in (other, request_id)] == [State.PENDING, State.PENDING]


def turned(stage: Stage, user: str, hash_: str) -> bool:
    """Tell whether the modal shows something else now."""
    return bool(stage.top(user)["hash"] != hash_)


async def read_all(stage: Stage, user: str, view: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Turn pages until there is no next one; gives the last view and what each page said."""
    pages = [reads(view["blocks"])]
    while "af_next" in buttons(view["blocks"]):
        hash_ = view["hash"]
        await stage.slack.click_view(user, view["id"], "af_next")
        await eventually(partial(turned, stage, user, hash_))
        view = stage.top(user)
        pages.append(reads(view["blocks"]))
    return view, pages


async def test_what_was_cut_is_read_before_it_is_approved(stage: Stage) -> None:
    """T02: where arguments are cut the card has no Approve, and a click forged on one is refused; after the last page it stands there."""
    request_id, card = await stage.held(call=make_call(LONG))
    assert "af_review" in buttons(card.blocks)
    assert "af_approve" not in buttons(card.blocks)
    value = buttons(card.blocks)["af_review"]["value"]
    assert "have not opened the rest" in await stage.click(A, card, value=value)
    assert stage.scene.state(request_id) == State.PENDING

    view = await stage.open(A, card, "af_review", "xxxx")
    assert "af_approve" not in buttons(view["blocks"])
    last, pages = await read_all(stage, A, view)
    assert len(pages) > 2
    assert "".join(pages).count("x") >= 4_000
    assert "".join(pages).count("y") >= 4_000
    await eventually(lambda: "af_approve" in buttons(stage.top(A)["blocks"]))
    assert stage.scene.events(request_id).count("request.read") == 1

    assert "have not opened the rest" in await stage.click(B, card, value=value), "what Alice read, Bob did not"
    await stage.slack.click_view(A, last["id"], "af_approve")
    await stage.modal(A, "Approved.")
    assert stage.scene.votes(request_id) == {ALICE.key: "approve"}
    assert stage.scene.state(request_id) == State.APPROVED


async def test_a_change_that_was_cut_is_read_before_it_is_approved(stage: Stage) -> None:
    """Small arguments do not help: while a part of the difference is unread, not even a forged click approves; its pages come first."""
    change = "\n".join(f'+  "{number}": "{"q" * 60}"' for number in range(90))
    tool = KnownTool("Destructive", "Critical", ("Bulk operation",), sha256="a" * 64, changed=change)
    request_id, card = await stage.held(tool=tool)
    assert "Destructive · Critical risk" in reads(card.blocks)
    assert "Bulk operation" in reads(card.blocks)
    assert "af_approve" not in buttons(card.blocks)
    value = buttons(card.blocks)["af_review"]["value"]
    assert "have not opened the rest" in await stage.click(A, card, value=value)
    assert stage.scene.state(request_id) == State.PENDING
    view = await stage.open(A, card, "af_review", "Approving accepts the new definition.", "qqqq")
    last, pages = await read_all(stage, A, view)
    assert "".join(pages).count("q") == 90 * 60
    assert "Arguments" in pages[-1]
    assert "Arguments" not in "".join(pages[:-1])
    await eventually(lambda: "af_approve" in buttons(stage.top(A)["blocks"]))
    await stage.slack.click_view(A, last["id"], "af_approve")
    await stage.modal(A, "Approved.")
    assert stage.scene.state(request_id) == State.APPROVED


async def test_a_small_change_is_approved_from_the_card_that_shows_it(stage: Stage) -> None:
    """It stands there whole, with the words that an approval accepts it."""
    tool = KnownTool("Write", "Medium", sha256="a" * 64, changed='-  "a"\n+  "b"')
    request_id, card = await stage.held(tool=tool)
    assert 'Approving accepts the new definition.-  "a"\n+  "b"' in reads(card.blocks)
    assert "Approved" in await stage.click(A, card)
    assert stage.scene.state(request_id) == State.APPROVED


async def test_what_the_policy_hides_is_in_no_message_page_or_file(stage: Stage) -> None:
    """By path and by pattern, and the reader is told what; the stored call is the whole."""
    stage.scene.policy = make_policy(redact={"paths": ["args.customer.email"], "patterns": [r"\bcus_[a-z]+"]})
    request_id, card = await stage.held(call=make_call({"customer": {"email": "ada@b.example"}, "of": "cus_ada", **LONG}))
    assert "the policy hides args.customer.email, text that a pattern finds" in reads(card.blocks)
    view = await stage.open(A, card, "af_review", "the policy hides")
    await read_all(stage, A, view)
    await stage.slack.click_view(A, view["id"], "af_file")
    await eventually(lambda: [file for file in stage.slack.files.values() if file.shared])
    files = [str(file.content) for file in stage.slack.files.values()]
    sent = json.dumps([files, stage.slack.views, [message.blocks for message in stage.slack.messages(CHANNEL)]], default=str)
    assert "ada@" not in sent
    assert "cus_ada" not in sent
    assert b"ada@b.example" in stage.scene.row(request_id).arguments


async def test_the_last_page_alone_is_not_the_whole(stage: Stage) -> None:
    """T02: pages count by being opened: a forged page number shows that page, and the others stay unread."""
    request_id, card = await stage.held(call=make_call(LONG))
    view = await stage.open(A, card, "af_review", "xxxx")
    carried = json.loads(view["private_metadata"])
    stage.top(A)["private_metadata"] = json.dumps({**carried, "p": 98})
    await stage.slack.click_view(A, view["id"], "af_next")
    view = await stage.modal(A, "yyyy")
    assert "af_approve" not in buttons(view["blocks"])

    def both() -> Reading:
        reading = stage.scene.database.read(lambda session: session.get(Reading, (request_id, ALICE.key)))
        assert reading is not None
        assert len(json.loads(reading.pages)) == 2
        return reading

    assert (await eventually(both)).whole_at is None


async def test_a_page_that_slack_did_not_take_was_not_read(stage: Stage) -> None:
    """T02: a page that could not be shown is not written down as read."""
    request_id, card = await stage.held(call=make_call(LONG))
    view = await stage.open(A, card, "af_review", "xxxx")
    stage.slack.fault("views.update", kind="500")
    await stage.slack.click_view(A, view["id"], "af_next")
    await stage.slack.click_view(A, view["id"], "af_file")
    await stage.modal(A, "direct messages")
    reading = stage.scene.database.read(lambda session: session.get(Reading, (request_id, ALICE.key)))
    assert reading is not None
    assert reading.pages == "[1]"


async def test_pages_back_and_forth(stage: Stage) -> None:
    """Previous goes back."""
    _, card = await stage.held(call=make_call(LONG))
    first = await stage.open(A, card, "af_review", "xxxx")
    await stage.slack.click_view(A, first["id"], "af_next")
    await eventually(lambda: "af_prev" in buttons(stage.top(A)["blocks"]))
    await stage.slack.click_view(A, first["id"], "af_prev")
    await eventually(lambda: reads(stage.top(A)["blocks"]) == reads(first["blocks"]))


async def test_arguments_are_for_those_who_may_look(stage: Stage) -> None:
    """T32: who is in no group, answers for no agent and is no administrator sees no arguments."""
    _, card = await stage.held(call=make_call({"note": "hush-hush"}))
    stage.slack.add_user("U01DAVE")
    stage.slack.channels[CHANNEL].members.add("U01DAVE")
    view = await stage.open("U01DAVE", card, "af_args", "in no approver group")
    assert "hush-hush" not in json.dumps(view)


async def test_the_file_is_redacted(stage: Stage) -> None:
    """T21: the file goes to the direct messages of who asked, whole, with secrets hidden; it does not count as read."""
    request_id, card = await stage.held(call=make_call({**LONG, "api_key": SECRET}))
    view = await stage.open(A, card, "af_review", "xxxx")
    await stage.slack.click_view(A, view["id"], "af_file")
    [file] = await eventually(lambda: [each for each in stage.slack.files.values() if each.shared])
    assert file.channel == stage.slack.direct(A).id
    assert file.content is not None
    assert SECRET not in file.content.decode()
    assert "redacted" in file.content.decode()
    assert file.content.count(b"y") >= 4_000
    await stage.modal(A, "direct messages")
    reading = stage.scene.database.read(lambda session: session.get(Reading, (request_id, ALICE.key)))
    assert reading is not None
    assert reading.whole_at is None


async def test_a_file_that_slack_does_not_take(stage: Stage) -> None:
    """Who asked is told that the file was not sent."""
    _, card = await stage.held(call=make_call(LONG))
    view = await stage.open(A, card, "af_review", "xxxx")
    stage.slack.fault("files.completeUploadExternal", times=9, kind="error:access_denied")
    await stage.slack.click_view(A, view["id"], "af_file")
    await stage.modal(A, "did not take the file")


async def test_a_form_on_an_orphan_card(stage: Stage) -> None:
    """T29: a form opened on a card that is not the stored one says so and asks for nothing."""
    request_id, card = await stage.held()
    answered = await stage.client.chat_postMessage(channel=CHANNEL, text="again", blocks=card.blocks)
    orphan = stage.slack.message(CHANNEL, str(answered["ts"]))
    assert orphan is not None
    view = await stage.open(A, orphan, "af_deny", "not the card")
    assert not [block for block in view["blocks"] if block["type"] == "input"]
    assert stage.scene.state(request_id) == State.PENDING


async def test_the_decision_at_the_desk_wins_over_an_open_page(stage: Stage) -> None:
    """Approve on the last page, after somebody denied, says who did."""
    request_id, card = await stage.held(call=make_call(LONG))
    last, _ = await read_all(stage, A, await stage.open(A, card, "af_review", "xxxx"))
    await eventually(lambda: "af_approve" in buttons(stage.top(A)["blocks"]))
    await asyncio.to_thread(stage.scene.vote, request_id, BOB, Choice.DENY)
    await stage.slack.click_view(A, last["id"], "af_approve")
    await stage.modal(A, "already denied")
    assert stage.scene.state(request_id) == State.DENIED


async def test_forged_buttons_of_forms(stage: Stage) -> None:
    """T07: a form is not opened for a value that no card of ours carries."""
    request_id, card = await stage.held()
    assert "othing was decided" in await stage.click(A, card, "af_deny", value="r:forged")
    assert not stage.slack.views.get(A)
    assert stage.scene.state(request_id) == State.PENDING


async def test_a_channel_without_arguments(file: Scene, slack: FakeSlack) -> None:
    """T02: where the channel sees no arguments nobody approves from the card; who opened them does, where they stand."""
    async with running(file, slack, arguments=False) as stage:
        request_id, card = await stage.held(call=make_call({"note": "for few eyes"}))
        assert "for few eyes" not in json.dumps(card.blocks)
        value = buttons(card.blocks)["af_review"]["value"]
        assert "have not opened the rest" in await stage.click(A, card, value=value)
        await slack.click(A, CHANNEL, card.ts, "af_approve_with", value=value)
        await stage.modal(A, "have not opened the rest")
        view = await stage.open(A, card, "af_review", "for few eyes", "af_approve")
        await slack.click_view(A, view["id"], "af_approve")
        await stage.modal(A, "Approved.")
        assert file.state(request_id) == State.APPROVED


async def test_a_comment_on_arguments_that_were_read(stage: Stage) -> None:
    """Where a reason is wanted too, Approve on the last page opens the form on top, and it counts."""
    stage.scene.policy = wanting("always")
    request_id, card = await stage.held(call=make_call(LONG))
    last, _ = await read_all(stage, A, await stage.open(A, card, "af_review", "xxxx"))
    await eventually(lambda: "af_approve_with" in buttons(stage.top(A)["blocks"]))
    await stage.slack.click_view(A, last["id"], "af_approve_with")
    form = await stage.modal(A, "comment")
    assert len(stage.slack.views[A]) == 2
    await submit(stage, A, form, comment="Read it all.")
    row = stage.scene.row(request_id)
    assert (row.state, row.decision_reason) == (State.APPROVED, "Read it all.")
