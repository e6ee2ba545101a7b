"""Every message about a request: Slack takes it, nobody can write into it, and it says what a person has to know."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack import cards, facts
from bot.slack.ids import Action, Touched, touched
from bot.slack.shapes import Message, Shown
from tests.fakes.slack import limits
from tests.unit.bot.slack.looked_at import actions, objects, refused, texts
from tests.unit.bot.slack.rows import ALICE, BOB, NASTY, OLIVIA, TEAM, make, make_view, views
from workflows.calls import JSON
from workflows.people import ApproverGroup
from workflows.queries import RequestView
from workflows.states import LIVE, State
from workflows.tables import Vote

DRAWN: tuple[Callable[[Shown], Message], ...] = (cards.card, cards.minimal, cards.reply, cards.reminder, cards.direct, cards.outcome)
INLINE = {"text", "user", "usergroup", "date"}
CUT: dict[str, JSON] = {"letter": "x" * 4000, "amount": 1}


def elements(message: Message) -> list[dict[str, Any]]:
    """Give every element that stands inside a line of rich text."""
    return [each for part in objects(message.blocks) if str(part.get("type")).startswith("rich_text_") for each in part["elements"]]


@settings(deadline=None)
@given(views(), st.sampled_from(DRAWN), st.booleans())
def test_slack_takes_every_message_whatever_others_wrote(view: RequestView, draw: Callable[[Shown], Message], told: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
    """T01 T04 T36: every message in every state passes Slack's limits and its SDK, without markup, within the size that Slack takes."""
    shown = facts.shown(view, team=TEAM, desk_url="https://desk.example", arguments_in_channel=told)
    message = draw(shown)
    assert refused(message.blocks, at_most=50) == []
    limits.message(message.text, message.blocks, blocks_limit=cards.MOST, update=True)
    assert any(block["type"] == "rich_text" for block in message.blocks)
    assert {each["type"] for each in elements(message)} <= INLINE
    names = {each.get("user_id") or each.get("usergroup_id") for each in elements(message)} - {None}
    assert names <= {"U01ALICE", "U01BOB", "U01OLIVIA", "S01ONCALL"}
    assert not set("<>&@*~`|!#\n:") & set(message.text.partition(": ")[2])
    json.dumps(message.blocks, ensure_ascii=False).encode()


@settings(max_examples=60, deadline=None)
@given(views())
def test_an_open_card_shows_all_arguments_or_cannot_be_approved(view: RequestView) -> None:
    """T02: what is not shown whole is not approved from the card; what is shown whole stands there as it was laid out."""
    shown = facts.shown(view, team=TEAM, desk_url="")
    message = cards.card(shown)
    if shown.state is not State.PENDING:
        assert {Action.APPROVE, Action.APPROVE_WITH, Action.REVIEW, Action.DENY, Action.CHANGES}.isdisjoint(actions(message.blocks))
        return
    [parts] = [block["elements"] for block in message.blocks if block.get("block_id") == "arguments"]
    assert isinstance(parts, list)
    assert parts[1:] == [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": shown.arguments.short}]}]
    if shown.arguments.cut:
        assert Action.REVIEW in actions(message.blocks)
        assert {Action.APPROVE, Action.APPROVE_WITH}.isdisjoint(actions(message.blocks))
        assert shown.arguments.hidden in texts(message.blocks)
    if shown.difference is not None and shown.difference.cut:
        assert Action.REVIEW in actions(message.blocks)
        assert {Action.APPROVE, Action.APPROVE_WITH}.isdisjoint(actions(message.blocks))
        assert shown.difference.hidden in texts(message.blocks)
    if not shown.partly:
        assert shown.arguments.short == shown.arguments.text
        assert shown.difference is None or shown.difference.text in texts(message.blocks)
        assert {Action.APPROVE, Action.APPROVE_WITH} & set(actions(message.blocks))


@settings(max_examples=60, deadline=None)
@given(views())
def test_the_layout_is_the_same_for_every_call(view: RequestView) -> None:
    """T01: nothing that an agent wrote moves, adds or removes a block: headline, facts, change, arguments, small print, buttons."""
    shown = facts.shown(view, team=TEAM, desk_url="")
    kinds = [(block["type"], block.get("block_id")) for block in cards.card(shown).blocks]
    changed = [("rich_text", "difference")] if view.request.difference is not None else []
    decision = [] if shown.state is State.PENDING else [("rich_text", "decision")]
    assert kinds == [
        ("header", None),
        ("rich_text", "facts"),
        *changed,
        ("rich_text", "arguments"),
        ("context", None),
        *decision,
        ("actions", "decide"),
    ]


@pytest.mark.parametrize("state", list(State))
def test_the_largest_card_fits(state: State) -> None:
    """T36: with every text as long as it can be, and each of its characters counted five times, a card is no larger than Slack takes."""
    much = "&" * 3000
    people = frozenset(f"local:{letter}" + "x" * 63 for letter in "abcdefg")
    view = make_view(
        state,
        {"a": "&" * 396},
        tool=much[:256],
        server=much[:100],
        agent=much[:100],
        owner="local:" + "o" * 64,
        rule=much,
        reason=much,
        policy=much[:100],
        approvers=much[:100],
        quorum=9,
        decided_by=", ".join(sorted(people)),
        decision_reason=much[:2000],
        outcome_kind="error",
        outcome=json.dumps({"message": much}).encode(),
        unattended_at=make_view().request.held_at,
        reason_required="never",
        category="Destructive",
        risk="Critical",
        signals=json.dumps([much] * 9),
        difference="\n".join([f"-{much}", f"+{much}"] * 20),
    )
    votes = tuple(Vote(request_id="x", voter=who, choice="approve", via="desk", at=view.request.held_at) for who in sorted(people))
    before = make_view(State.DENIED, decision_reason=much).request
    whole = RequestView(view.request, votes, 2, group=ApproverGroup("g", people), previous=before)
    shown = replace(facts.shown(whole, team=TEAM, desk_url="https://desk.example"), warnings=(much, much, much))
    shown = replace(shown, arguments=replace(shown.arguments, hides=(much, much, much), redacted=True))
    assert shown.arguments.hidden == "the tool's name is longer than what fits here", "all of the arguments are here, and more is said"
    for draw in DRAWN:
        assert cards.weight(draw(shown).blocks) <= cards.MOST
    if state is State.PENDING:
        assert shown.arguments.short in texts(cards.card(shown).blocks)


def test_a_name_cannot_write_a_line_of_the_card() -> None:
    """T01: line breaks in the name of a tool, an agent or a server are written out, so that no fact can be forged."""
    message = cards.card(make(tool="x\n\nApproved by: Alice", agent="a\nRisk: normal", server="s\r\nAgent: b"))
    lines = texts(message.blocks[1]).split("\n")
    assert [line.partition(":")[0] for line in lines] == [
        "Agent",
        "Server",
        "Expires",
        "Approvals",
        "Approvers",
        "Risk",
        "Held because",
    ]
    assert "x\\u{000A}\\u{000A}Approved by" in texts(message.blocks[0])


@pytest.mark.parametrize("nasty", NASTY)
def test_markup_stays_text(nasty: str) -> None:
    """T04: mentions, links, dates, emoji and code in a tool's name or in arguments are words; nobody is called and nothing is linked."""
    message = cards.card(make(tool=nasty[:256], call={nasty: nasty}, approvers="g"))
    assert refused(message.blocks, at_most=50) == []
    assert "link" not in {each["type"] for each in elements(message)}
    assert [each["user_id"] for each in elements(message) if each["type"] == "user"].count("U01ALICE") <= 1
    assert not set("<>&@*~`|!#\n:") & set(message.text.partition(": ")[2])


def test_unseen_characters_are_written_out_and_warned_of() -> None:
    """T03: bidi, zero-width, tag and stacked characters are visible in names and arguments, and a mixed alphabet is called out."""
    message = cards.card(
        make(tool="pay\u202egnp", call={"host": "p\u0430yments.example", "path": "a\u200b\U000e0041" + "e" + "\u0301" * 9})
    )
    said = texts(message.blocks)
    assert "\\u{202E}" in said
    assert "\\u{200B}" in said
    assert "\\u{E0041}" in said
    assert "Beware: Characters that cannot be seen" in said
    assert "Beware: Words that mix alphabets: p\u0430yments.example" in said
    assert "\u202e" not in json.dumps(message.blocks, ensure_ascii=False) + message.text
    assert "\u200b" not in json.dumps(message.blocks, ensure_ascii=False)


def test_secrets_stay_out_of_every_message() -> None:
    """T21: secrets in arguments, names, reasons and errors are hidden with length and keyed fingerprint, and the card says so."""
    secret = "sk_live_" + "a1b2c3d4e5f6a7b8c9d0"
    body = json.dumps({"content": [{"type": "text", "text": f"bad key {secret}"}]}).encode()
    shown = make(
        State.RELEASED,
        {"api_key": "hunter2hunter2", "note": f"use {secret}"},
        tool=f"t {secret}",
        reason=f"because {secret}",
        decision_reason=f"with {secret}",
        outcome_kind="result",
        outcome=body,
        outcome_is_error=True,
    )
    for draw in DRAWN:
        message = draw(shown)
        assert secret not in json.dumps(message.blocks) + message.text
        assert "hunter2" not in json.dumps(message.blocks)
    said = texts(cards.card(shown).blocks)
    assert "[redacted 14 chars, fingerprint" in said
    assert "secrets hidden" in said


def test_arguments_are_never_in_the_text_of_a_notification() -> None:
    """T04 T21: the text that phones show has fixed words and the name of the tool."""
    for draw in DRAWN:
        message = draw(make(call={"customer": "zebra"}, tool="update address <!channel>"))
        assert "zebra" not in message.text
        assert message.text.partition(": ")[2] == "update?address?channel?"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.PENDING, "Approval needed: "),
        (State.APPROVED, "Approved: "),
        (State.RELEASING, "Approved, running: "),
        (State.RELEASED, "Approved, ran: "),
        (State.FAILED, "Approved, then failed: "),
        (State.LOST, "Approved, outcome unknown: "),
        (State.DENIED, "Denied: "),
        (State.CANCELLED, "Cancelled: "),
        (State.EXPIRED, "Expired: "),
    ],
)
def test_the_card_itself_says_how_it_stands(state: State, said: str) -> None:
    """T24: the state is the first word of the card, of its notification and of its thread reply: nobody depends on a fleeting answer."""
    shown = make(state)
    assert texts(cards.card(shown).blocks).startswith(said + "update_address")
    assert cards.card(shown).text.startswith(said)
    assert texts(cards.reply(shown).blocks).startswith(said + "update_address")


def test_votes_so_far_stand_on_the_card() -> None:
    """T24: a card with one of two approvals says so, and by whom."""
    view = make_view()
    approved = make_view(State.APPROVED)
    half = RequestView(view.request, approved.votes[:1], 1, group=view.group)
    message = cards.card(facts.shown(half, team=TEAM, desk_url=""))
    assert "Approvals: 1 of 2, by " in texts(message.blocks)
    facts_ = message.blocks[1]["elements"]
    assert isinstance(facts_, list)
    assert {"type": "user", "user_id": "U01ALICE"} in list(objects(facts_))


@pytest.mark.parametrize("state", [State.APPROVED, State.RELEASING, State.RELEASED, State.FAILED, State.LOST])
def test_who_approved_stands_once(state: State) -> None:
    """An approved card names its approvers where it says how it ended, and a call of which nobody knows the end took no time."""
    said = texts(cards.card(make(state)).blocks)
    assert "Approvals: " not in said
    assert said.count("Approved by: ") == 1
    assert (", and took " in said) is (state in {State.RELEASED, State.FAILED})


def test_one_button_opens_what_is_hidden() -> None:
    """T02: where Approve waits behind the whole, one button opens the whole, and not two that do the same."""
    hidden = facts.shown(make_view(), team=TEAM, desk_url="", arguments_in_channel=False)
    assert actions(cards.card(hidden).blocks) == [Action.REVIEW, Action.DENY, Action.CHANGES]


def test_the_thread_tells_the_trail() -> None:
    """One reply says when it was asked, who decided and when, and what came of it and when."""
    message = cards.reply(make(State.RELEASED, outcome_kind="result", outcome=b'{"content":[]}'))
    said = texts(message.blocks)
    places = [said.index(word) for word in ("Approved, ran: ", "Asked: ", "Approved by: ", "It ran once")]
    assert places == sorted(places)
    assert [each.get("type") for each in objects(message.blocks)].count("date") == 3


def test_who_decided_when_why_and_what_came_of_it() -> None:
    """A settled card names the deciders by Slack itself, with date, reason, duration and outcome, and keeps facts and arguments."""
    shown = make(State.RELEASED, outcome_kind="result", outcome=b'{"content":[]}', decision_reason="Checked.")
    message = cards.card(shown)
    said = texts(message.blocks)
    assert "Approved by: " in said
    assert "Checked." in said
    assert "It ran once, and took 60.0 s. " in said
    assert "It answered with 14 bytes." in said
    assert '"amount": 50' in said
    [decision] = [block for block in message.blocks if block.get("block_id") == "decision"]
    assert [each["user_id"] for each in objects(decision) if each.get("type") == "user"] == [key.rpartition("/")[2] for key in (ALICE, BOB)]
    assert [each.get("type") for each in objects(decision)].count("date") == 2
    assert actions(message.blocks) == [Action.ARGUMENTS, Action.LINK]


def test_what_a_tool_answered_stays_out_of_slack() -> None:
    """T21: of a good answer only the size is told; an error is quoted, because people have to act on it."""
    answer = b'{"content":[{"type":"text","text":"the customer lives at 1 Elm Street"}]}'
    good = cards.card(make(State.RELEASED, outcome_kind="result", outcome=answer))
    assert "Elm" not in json.dumps(good.blocks)
    bad = cards.card(make(State.RELEASED, outcome_kind="result", outcome=answer, outcome_is_error=True))
    assert "Elm" in texts(bad.blocks)
    assert texts(bad.blocks).startswith("Approved, ran with an error: ")


def test_a_channel_without_arguments() -> None:
    """T02 T21: where arguments stay out of channels the card shows none, an error neither, and Approve stands behind the whole."""
    hidden = facts.shown(make_view(call={"customer": "zebra"}), team=TEAM, desk_url="", arguments_in_channel=False)
    message = cards.card(hidden)
    assert "zebra" not in json.dumps(message.blocks)
    assert "not shown in this channel" in texts(message.blocks)
    assert Action.REVIEW in actions(message.blocks)
    failed = make_view(State.FAILED, outcome_kind="error", outcome=b'{"code":1,"message":"no zebra"}')
    told = cards.card(facts.shown(failed, team=TEAM, desk_url="", arguments_in_channel=False))
    assert "zebra" not in json.dumps(told.blocks)
    assert "an error of 31 bytes" in texts(told.blocks)


def test_the_wording_is_ours() -> None:
    """T25: whatever an agent writes, labels of buttons and facts are the same neutral words, no button is focused, none says more."""
    labels = {"Approve", "Deny…", "Request changes…", "View all arguments", "At the desk"}
    for shown in (make(), make(tool="PLEASE_APPROVE_NOW", reason="Urgent! Approve!", call={"button": "Approve all"})):
        drawn = [each for each in objects(cards.card(shown).blocks) if each.get("type") == "button"]
        assert {each["text"]["text"] for each in drawn} == labels
        assert not [each for each in objects(cards.card(shown).blocks) if "focus_on_load" in each]


@pytest.mark.parametrize(
    ("tool", "quorum", "risk"),
    [
        ("update_address", 1, "normal"),
        ("update_address", 2, "high"),
        ("delete_user", 1, "high"),
        ("db.dropTable", 1, "high"),
        ("userRemove", 1, "high"),
        ("list_payments", 1, "normal"),
        ("deployed", 1, "normal"),
    ],
)
def test_what_may_do_harm_is_asked_twice(tool: str, quorum: int, risk: str) -> None:
    """T25: a call of high risk has a question before Approve, with what it does and how often; others have none."""
    shown = make(tool=tool, quorum=quorum)
    assert shown.risk == risk
    for wants_reason, action in ((False, Action.APPROVE), (True, Action.APPROVE_WITH)):
        drawn = cards.card(replace(shown, approve_needs_reason=wants_reason)).blocks
        [button] = [each for each in objects(drawn) if each.get("action_id") == action]
        assert ("confirm" in button) is (risk == "high")
        if risk == "high":
            assert "runs once, with exactly the arguments shown" in button["confirm"]["text"]["text"]


def test_a_card_says_what_the_tool_is_like() -> None:
    """Category, risk and signals stand in the facts, the first of many; nothing that an agent wrote stands there in bold."""
    sentences = [f"Signal number {number}" for number in range(5)]
    forged = "support. Risk: Read · Low risk"
    shown = make(category="Destructive", risk="Critical", signals=json.dumps(sentences), agent=forged, quorum=1)
    facts_ = cards.card(shown).blocks[1]
    said = texts(facts_)
    assert "\nRisk: Destructive · Critical risk\nSignals: Signal number 0; Signal number 1; Signal number 2; and 2 more\n" in said
    bold = [each["text"] for each in objects(facts_) if each.get("style")]
    assert bold == ["Agent: ", "Server: ", "Expires: ", "Approvals: ", "Approvers: ", "Risk: ", "Signals: ", "Held because: "]


def test_a_changed_definition_stands_on_the_card_with_its_difference() -> None:
    """Who approves accepts it, and is told so; what does not fit is opened first; once it is decided the card keeps the fact."""
    difference = '--- accepted\n+++ now\n-  "description": "Looks up"\n+  "description": "Deletes"'
    [block] = [each for each in cards.card(make(difference=difference)).blocks if each.get("block_id") == "difference"]
    assert texts(block) == ("The definition of this tool changed since it was accepted. Approving accepts the new definition." + difference)
    assert Action.APPROVE in actions(cards.card(make(difference=difference)).blocks)
    long = cards.card(make(difference=difference + "\n+x" * 200))
    assert "Not all of the difference: 1" in texts(long.blocks)
    assert actions(long.blocks)[0] == Action.REVIEW
    assert {Action.APPROVE, Action.APPROVE_WITH}.isdisjoint(actions(long.blocks))
    withheld = facts.shown(make_view(difference=difference), team=TEAM, desk_url="", arguments_in_channel=False)
    assert "Deletes" not in json.dumps(cards.card(withheld).blocks)
    assert "it is not shown in this channel" in texts(cards.card(withheld).blocks)
    ended = cards.card(make(State.DENIED, difference=difference))
    assert "changed since it was accepted." in texts(ended.blocks)
    assert "Approving" not in texts(ended.blocks)
    [button] = [each for each in objects(cards.card(make(difference=difference)).blocks) if each.get("action_id") == Action.APPROVE]
    assert "The changed definition of the tool is accepted by it." in button["confirm"]["text"]["text"]


def test_buttons_carry_the_request_and_the_mark() -> None:
    """T05 T07: every button that decides or looks says which request, and what its reader saw."""
    shown = make(call=CUT)
    for draw in (cards.card, cards.minimal, cards.direct):
        values = [each["value"] for each in objects(draw(shown).blocks) if "value" in each]
        assert len(values) == 3
        assert {touched(value) for value in values} == {Touched(shown.id, shown.mark)}


def test_a_policy_that_wants_a_reason_opens_the_form() -> None:
    """Where a reason must come with an approval Approve has an ellipsis and another action."""
    drawn = actions(cards.card(make(reason_required="always")).blocks)
    assert Action.APPROVE_WITH in drawn
    assert Action.APPROVE not in drawn


def test_who_may_approve_is_named_by_slack() -> None:
    """Approvers are a user group where the group has one, else people, else the card says that nobody is left."""
    assert "usergroup" in {each["type"] for each in elements(cards.card(make()))}
    nobody = RequestView(make_view().request, (), 2, group=None)
    assert "nobody" in texts(cards.card(facts.shown(nobody, team=TEAM, desk_url="")).blocks)


def test_a_word_to_one_person_says_why_them() -> None:
    """A direct message tells an approver, and the owner of the agent, why it came to them; later it shows how the request ended."""
    assert "because you are in the approver group payments" in texts(cards.direct(make()).blocks)
    assert "because you answer for support-agent" in texts(cards.outcome(make(State.EXPIRED)).blocks)
    assert cards.direct(make(State.DENIED)) == cards.card(make(State.DENIED))


def test_the_desk_is_linked_where_the_link_leads_somewhere() -> None:
    """A desk on the machine itself is nothing that a phone can open."""
    for desk, linked in (("https://desk.example", True), ("http://127.0.0.1:8081", False), ("http://localhost:8081", False), ("", False)):
        message = cards.card(facts.shown(make_view(), team=TEAM, desk_url=desk))
        urls = [each["url"] for each in objects(message.blocks) if "url" in each]
        assert urls == ["https://desk.example/requests/apr_0123456789abcdef"] * linked


@pytest.mark.parametrize("state", sorted(LIVE - {State.PENDING}))
def test_an_approved_call_cannot_be_voted_on(state: State) -> None:
    """Buttons that decide are gone once a request is decided, before it ran."""
    assert actions(cards.card(make(state)).blocks) == [Action.ARGUMENTS, Action.LINK]


def test_an_expired_request_says_whether_it_was_approved() -> None:
    """Nobody decided, or it was approved and never sent: the card says which."""
    assert "Nobody decided in time" in texts(cards.card(make(State.EXPIRED)).blocks)
    late = make(State.EXPIRED, decided_by=ALICE, decided_at=make_view().request.held_at)
    assert "It was not sent in time" in texts(cards.card(late).blocks)


@pytest.mark.parametrize("message", [cards.replaced("https://test.slack.com/archives/C1/p1"), cards.canary()])
def test_messages_about_no_request_are_taken(message: Message) -> None:
    """The card that was replaced and the test card pass Slack's limits, and neither has a button."""
    assert refused(message.blocks, at_most=50) == []
    assert actions(message.blocks) == []
    limits.message(message.text, message.blocks, blocks_limit=cards.MOST, update=True)


def test_the_owner_is_named_by_key_when_of_another_workspace() -> None:
    """Only people of this workspace are named by Slack; others by their key."""
    said = texts(cards.card(make(owner="slack:T09OTHER/U09EVE")).blocks)
    assert "owner slack:T09OTHER/U09EVE" in said
    assert OLIVIA not in said
