"""The Slack that tests play against refuses what Slack refuses: tokens, scopes, channels, people, and what a message may be."""

import json
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import FakeSlack

CHANNEL = "C01APPROVALS"
ALICE = "U01ALICE"
Block = dict[str, Any]


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """Run a Slack."""
    async with FakeSlack() as fake:
        yield fake


@pytest.fixture
def web(slack: FakeSlack) -> AsyncWebClient:
    """Give Slack's own client, with the bot's token."""
    return client(slack, slack.BOT_TOKEN)


def client(slack: FakeSlack, token: str | None) -> AsyncWebClient:
    """Give Slack's own client."""
    return AsyncWebClient(token=token, base_url=slack.api_url, timeout=5)


async def refused(call: Awaitable[object]) -> Any:  # noqa: ANN401  # the answer, as the SDK has it
    """Give the answer of a call that Slack refuses."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def why(call: Awaitable[object]) -> str:
    """Give the word by which Slack refuses a call."""
    return str((await refused(call))["error"])


def plain(text: str) -> Block:
    """Write a plain_text object."""
    return {"type": "plain_text", "text": text, "emoji": False}


def rich(text: str = "a") -> Block:
    """Write a rich_text block."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}]}


def button(**members: object) -> Block:
    """Write a button."""
    return {"type": "button", "text": plain("Go"), "action_id": "go", **members}


def actions(*elements: Block, **members: object) -> Block:
    """Write an actions block."""
    return {"type": "actions", "elements": list(elements), **members}


async def test_each_token_opens_what_it_is_for(slack: FakeSlack) -> None:
    """No token, a wrong one, one of the wrong class, one that was taken away: each has its own word."""
    assert await why(client(slack, None).auth_test()) == "not_authed"
    assert await why(client(slack, "xoxb-wrong").auth_test()) == "invalid_auth"
    assert await why(client(slack, slack.APP_TOKEN).chat_postMessage(channel=CHANNEL, text="a")) == "not_allowed_token_type"
    assert await why(client(slack, slack.BOT_TOKEN).apps_connections_open(app_token=slack.BOT_TOKEN)) == "not_allowed_token_type"
    slack.bad_tokens[slack.BOT_TOKEN] = "token_revoked"
    assert await why(client(slack, slack.BOT_TOKEN).auth_test()) == "token_revoked"


async def test_a_missing_scope_is_named(slack: FakeSlack, web: AsyncWebClient) -> None:
    """The answer says what is needed and what is there; each answer lists the scopes in a header."""
    answer = await web.auth_test()
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")
    assert answer["team_id"] == slack.team
    slack.scopes.remove("usergroups:read")
    response = await refused(web.usergroups_list())
    assert (response["error"], response["needed"]) == ("missing_scope", "usergroups:read")
    assert "chat:write" in response["provided"]
    slack.scopes.remove("groups:read")
    slack.add_channel("C03PRIVATE", "private", private=True)
    assert (await web.conversations_info(channel=CHANNEL))["channel"]["is_member"]
    assert await why(web.conversations_info(channel="C03PRIVATE")) == "missing_scope"
    assert await why(web.users_lookupByEmail(email="alice@example.com")) == "missing_scope"
    slack.app_scopes.clear()
    assert await why(web.apps_connections_open(app_token=slack.APP_TOKEN)) == "missing_scope"


async def test_get_and_post_forms_and_json_say_the_same(slack: FakeSlack) -> None:
    """Blocks come as a list or as its text, arguments in the address, a form or JSON."""
    headers = {"Authorization": f"Bearer {slack.BOT_TOKEN}"}
    args = {"channel": CHANNEL, "text": "a", "blocks": json.dumps([rich()])}
    async with aiohttp.ClientSession(headers=headers) as session:
        for options in ({"params": args}, {"data": args}, {"json": {**args, "blocks": [rich()]}}, {"json": args}):
            async with session.request("GET" if "params" in options else "POST", f"{slack.api_url}chat.postMessage", **options) as response:
                assert (await response.json())["ok"]
        async with session.post(f"{slack.api_url}chat.postMessage", json=[1]) as response:
            assert (await response.json())["error"] == "json_not_object"
        async with session.post(f"{slack.api_url}chat.nothing") as response:
            assert (await response.json())["error"] == "unknown_method"
    assert [call.args["blocks"] for call in slack.called("chat.postMessage")[:4]] == [[rich()]] * 4


async def test_a_place_that_takes_no_message_says_why(slack: FakeSlack, web: AsyncWebClient) -> None:
    """Unknown, archived, private without the bot, public or shared without it, restricted."""
    slack.add_channel("C03OPEN", "open", member=False)
    slack.add_channel("C04PRIVATE", "private", private=True, member=False)
    slack.add_channel("C05SHARED", "shared", shared=True, member=False)
    slack.add_channel("C06QUIET", "quiet", restricted=True)
    assert (await web.chat_postMessage(channel="C03OPEN", text="a"))["ok"]
    slack.scopes.remove("chat:write.public")
    for channel, word in (
        ("C00NONE", "channel_not_found"),
        ("C03OPEN", "not_in_channel"),
        ("C04PRIVATE", "channel_not_found"),
        ("C05SHARED", "not_in_channel"),
        ("C06QUIET", "restricted_action"),
    ):
        assert await why(web.chat_postMessage(channel=channel, text="a")) == word
    slack.archive(CHANNEL)
    assert await why(web.chat_postMessage(channel="#agent-approvals", text="a")) == "is_archived"
    slack.kick("C02FALLBACK")
    assert await why(web.chat_postMessage(channel="C02FALLBACK", text="a")) == "not_in_channel"


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([rich()] * 51, id="51 blocks"),
        pytest.param([{"type": "marquee"}], id="unknown block"),
        pytest.param([{**rich(), "block_id": "a"}] * 2, id="the same block_id twice"),
        pytest.param([{**rich(), "block_id": "a" * 256}], id="long block_id"),
        pytest.param([rich("")], id="empty text in rich text"),
        pytest.param([{"type": "header", "text": plain("a" * 151)}], id="long header"),
        pytest.param([{"type": "header", "text": {"type": "mrkdwn", "text": "a"}}], id="mrkdwn header"),
        pytest.param([{"type": "section"}], id="empty section"),
        pytest.param([{"type": "section", "text": plain("")}], id="empty section text"),
        pytest.param([{"type": "section", "text": plain("a" * 3001)}], id="long section"),
        pytest.param([{"type": "section", "fields": [plain("a" * 2001)]}], id="long field"),
        pytest.param([{"type": "section", "fields": [plain("a")] * 11}], id="11 fields"),
        pytest.param([{"type": "context", "elements": [plain("a")] * 11}], id="11 context elements"),
        pytest.param([actions()], id="no button"),
        pytest.param([actions(*(button(action_id=f"a{number}") for number in range(26)))], id="26 buttons"),
        pytest.param([actions(button(), button())], id="the same action_id twice"),
        pytest.param([actions(button(text=plain("a" * 76)))], id="long button"),
        pytest.param([actions(button(value="a" * 2001))], id="long value"),
        pytest.param([actions(button(action_id="a" * 256))], id="long action_id"),
        pytest.param([actions(button(url="https://" + "a" * 3000))], id="long url"),
        pytest.param([actions(button(style="default"))], id="unknown style"),
        pytest.param([actions(button(colour="red"))], id="unknown member"),
        pytest.param([actions(button(confirm={"title": plain("a" * 101), "text": plain("a"), "confirm": plain("y"), "deny": plain("n")}))]),
        pytest.param([actions(button(confirm={"title": plain("a"), "text": plain("a" * 301), "confirm": plain("y"), "deny": plain("n")}))]),
        pytest.param([actions(button(confirm={"title": plain("a"), "text": plain("a"), "confirm": plain("y" * 31), "deny": plain("n")}))]),
        pytest.param([actions({"type": "static_select", "options": [{"text": plain("a" * 76), "value": "a"}]})], id="long option"),
        pytest.param([actions({"type": "static_select", "options": [{"text": plain("a"), "value": "a" * 151}]})], id="long option value"),
        pytest.param([actions({"type": "static_select", "options": [{"text": plain("a"), "value": "a"}] * 101})], id="101 options"),
        pytest.param([actions({"type": "overflow", "options": [{"text": plain("a"), "value": "a"}] * 6})], id="6 overflow options"),
        pytest.param([actions({"type": "plain_text_input"})], id="a field among buttons"),
        pytest.param([{**rich(), "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "user", "user_id": "U1"}]}]}]),
        pytest.param(
            [
                {
                    "type": "rich_text",
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "date", "timestamp": 1, "format": "x"}]}],
                }
            ]
        ),
    ],
)
async def test_blocks_beyond_a_limit_are_refused(web: AsyncWebClient, blocks: list[Block]) -> None:
    """The answer is invalid_blocks, and says what and where."""
    response = await refused(web.chat_postMessage(channel=CHANNEL, text="a", blocks=blocks))
    assert response["error"] == "invalid_blocks"
    assert "json-pointer:/blocks" in response["response_metadata"]["messages"][0]


async def test_blocks_at_their_limits_are_taken(slack: FakeSlack, web: AsyncWebClient) -> None:
    """The limit itself is allowed."""
    slack.blocks_limit = 100_000
    menu = {"type": "static_select", "action_id": "m", "options": [{"text": plain("a" * 75), "value": f"{n:0150}"} for n in range(100)]}
    confirm = {"title": plain("a" * 100), "text": plain("a" * 300), "confirm": plain("a" * 30), "deny": plain("a" * 30), "style": "danger"}
    pressed = button(text=plain("a" * 75), value="a" * 2000, action_id="a" * 255, accessibility_label="a" * 75, confirm=confirm)
    blocks: list[Block] = [
        {"type": "header", "text": plain("a" * 150)},
        {"type": "section", "text": plain("a" * 3000), "fields": [plain("a" * 2000)] * 10, "accessory": menu, "expand": True},
        {"type": "context", "elements": [plain("a")] * 10},
        actions(*(button(action_id=f"a{number}", style="primary") for number in range(25))),
        actions(pressed, block_id="b" * 255),
        *([rich()] * 45),
    ]
    assert (await web.chat_postMessage(channel=CHANNEL, text="a", blocks=blocks))["ok"]


async def test_a_message_has_an_end(slack: FakeSlack, web: AsyncWebClient) -> None:
    """Nothing to show, too much in all blocks, a long text: cut at a post, refused at a change."""
    slack.rate_limits = False
    assert await why(web.api_call("chat.postMessage", json={"channel": CHANNEL, "blocks": []})) == "no_text"
    assert await why(web.chat_postMessage(channel=CHANNEL, text="a", blocks="{")) == "invalid_blocks_format"
    assert await why(web.chat_postMessage(channel=CHANNEL, text="a", blocks=[rich("&" * 2201)])) == "msg_blocks_too_long"
    assert (await web.chat_postMessage(channel=CHANNEL, text="a", blocks=[rich("&" * 2199)]))["ok"]
    posted = await web.chat_postMessage(channel=CHANNEL, text="a" * 40_001)
    assert len(slack.messages(CHANNEL)[-1].text) == 40_000
    assert await why(web.chat_update(channel=CHANNEL, ts=posted["ts"], text="ä" * 2001)) == "msg_too_long"
    assert await why(web.chat_postMessage(channel=CHANNEL, text="a", metadata={"event_type": "x"})) == "invalid_metadata_schema"
    assert await why(web.chat_postMessage(channel=CHANNEL, text="a", thread_ts="1.000001")) == "thread_not_found"


async def test_a_message_is_changed_by_its_author_while_it_is_there(slack: FakeSlack, web: AsyncWebClient) -> None:
    """A change keeps metadata, drops blocks that it does not bring, and cannot take rich text away."""
    posted = await web.chat_postMessage(
        channel=CHANNEL, text="a <b> & <@U01BOB>", blocks=[rich("<&>")], metadata={"event_type": "e", "event_payload": {"delivery": "d"}}
    )
    assert posted["message"]["text"] == "a &lt;b&gt; &amp; <@U01BOB>"
    assert posted["message"]["blocks"][0]["elements"][0]["elements"][0]["text"] == "&lt;&amp;&gt;"
    ts = posted["ts"]
    assert await why(web.chat_update(channel=CHANNEL, ts=ts, text="b", blocks=[{"type": "divider"}])) == "block_mismatch"
    assert await why(web.chat_update(channel="#agent-approvals", ts=ts, text="b")) == "channel_not_found"
    assert await why(web.chat_update(channel=CHANNEL, ts="1.000001", text="b")) == "message_not_found"
    other = slack.say(CHANNEL, ALICE, "mine")
    assert await why(web.chat_update(channel=CHANNEL, ts=other.ts, text="b")) == "cant_update_message"
    assert await why(web.chat_delete(channel=CHANNEL, ts=other.ts)) == "cant_delete_message"
    await web.chat_update(channel=CHANNEL, ts=ts, text="b")
    [now, _] = slack.messages(CHANNEL)
    assert (now.text, now.blocks, now.edited) == ("b", [], True)
    assert now.metadata == {"event_type": "e", "event_payload": {"delivery": "d"}}
    slack.edit_window = timedelta(minutes=5)
    slack.advance(301)
    assert await why(web.chat_update(channel=CHANNEL, ts=ts, text="c")) == "edit_window_closed"
    slack.delete_message(CHANNEL, ts)
    assert await why(web.chat_delete(channel=CHANNEL, ts=ts)) == "message_not_found"


async def test_what_was_said_is_read_by_members_alone(slack: FakeSlack, web: AsyncWebClient) -> None:
    """History is newest first, without replies, with metadata where it is asked for; a channel that anybody may post to is not read."""
    first = await web.chat_postMessage(channel=CHANNEL, text="first", metadata={"event_type": "e", "event_payload": {"n": 1}})
    reply = await web.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=first["ts"])
    second = await web.chat_postMessage(channel=CHANNEL, text="second")
    told = await web.conversations_history(channel=CHANNEL, include_all_metadata=True)
    assert [one["ts"] for one in told["messages"]] == [second["ts"], first["ts"]]
    assert told["messages"][1]["metadata"]["event_payload"] == {"n": 1}
    told = await web.conversations_history(channel=CHANNEL, oldest=first["ts"], limit=5)
    assert [one["ts"] for one in told["messages"]] == [second["ts"]]
    told = await web.conversations_replies(channel=CHANNEL, ts=first["ts"])
    assert [one["ts"] for one in told["messages"]] == [first["ts"], reply["ts"]]
    slack.kick(CHANNEL)
    assert (await web.chat_postMessage(channel=CHANNEL, text="still"))["ok"]
    assert await why(web.conversations_history(channel=CHANNEL)) == "not_in_channel"


async def test_people_are_told_as_they_are(slack: FakeSlack, web: AsyncWebClient) -> None:
    """Gone, bot, both kinds of guest, a stranger of another workspace; to those who are gone nobody writes."""
    slack.add_user("U02GONE", deleted=True)
    slack.add_user("U03GUEST", is_restricted=True)
    slack.add_user("U04SINGLE", is_ultra_restricted=True)
    slack.add_user("U05OTHER", is_stranger=True, team="T02OTHER")
    shown = {user: (await web.users_info(user=user))["user"] for user in slack.users}
    assert shown["U02GONE"]["deleted"]
    assert "is_restricted" not in shown["U02GONE"]
    assert shown["U01BOT"]["is_bot"]
    assert shown["U03GUEST"]["is_restricted"]
    assert shown["U04SINGLE"]["is_ultra_restricted"]
    assert (shown["U05OTHER"]["team_id"], shown["U05OTHER"]["is_stranger"]) == ("T02OTHER", True)
    assert await why(web.users_info(user="U00NONE")) == "user_not_found"
    assert await why(web.conversations_open(users="U02GONE")) == "user_disabled"
    assert await why(web.conversations_open(users="U01BOT")) == "cannot_dm_bot"
    opened = await web.conversations_open(users=ALICE)
    await web.chat_postMessage(channel=opened["channel"]["id"], text="hello")
    await web.chat_postMessage(channel=ALICE, text="again")
    assert [message.text for message in slack.dms(ALICE)] == ["hello", "again"]


async def test_user_groups_have_members_or_do_not_exist(slack: FakeSlack, web: AsyncWebClient) -> None:
    """A group can be emptied, switched off, unknown, or too dear for the plan."""
    slack.add_user_group("S01ONCALL", "oncall", [ALICE])
    assert (await web.usergroups_users_list(usergroup="S01ONCALL"))["users"] == [ALICE]
    slack.add_user_group("S01ONCALL", "oncall", [])
    assert (await web.usergroups_users_list(usergroup="S01ONCALL"))["users"] == []
    assert (await web.usergroups_list())["usergroups"][0]["handle"] == "oncall"
    assert await why(web.usergroups_users_list(usergroup="S00NONE")) == "no_such_subteam"
    slack.free_plan = True
    assert await why(web.usergroups_list()) == "plan_upgrade_required"


async def test_a_whisper_reaches_members_alone(slack: FakeSlack, web: AsyncWebClient) -> None:
    """An ephemeral message is kept apart, and goes to nobody outside the channel."""
    await web.chat_postEphemeral(channel=CHANNEL, user=ALICE, text="psst")
    [only] = slack.ephemerals
    assert (only.text, only.ephemeral_for, slack.messages(CHANNEL)) == ("psst", ALICE, [])
    slack.kick(CHANNEL, ALICE)
    assert await why(web.chat_postEphemeral(channel=CHANNEL, user=ALICE, text="psst")) == "user_not_in_channel"


async def test_a_file_is_uploaded_whole_and_shared_in_a_conversation(slack: FakeSlack, web: AsyncWebClient) -> None:
    """The SDK's three steps work; a person's id is no place to share in."""
    direct = (await web.conversations_open(users=ALICE))["channel"]["id"]
    await web.files_upload_v2(channel=direct, filename="arguments.json", content='{"a": 1}', title="Arguments")
    [file] = slack.files.values()
    assert (file.content, file.title, file.channel, file.shared) == (b'{"a": 1}', "Arguments", direct, True)
    assert slack.dms(ALICE)[-1].files == (file.id,)
    assert await why(web.files_upload_v2(channel=ALICE, filename="a", content="a")) == "invalid_channel"
    assert await why(web.files_completeUploadExternal(files=[{"id": "F00NONE"}], channel_id=direct)) == "file_not_found"


async def test_what_slack_allows_and_an_app_must_not_do_is_told(slack: FakeSlack, web: AsyncWebClient) -> None:
    """Markup, mentions, previews, no rich text, and a value in a notification's text."""
    await web.chat_postMessage(
        channel=CHANNEL, text="fine", blocks=[rich()], parse="none", link_names=False, unfurl_links=False, unfurl_media=False
    )
    assert slack.careless("secret") == []
    await web.chat_postMessage(channel=CHANNEL, text="secret", blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "a"}}])
    told = " ".join(slack.careless("secret"))
    assert all(word in told for word in ("mrkdwn", "'secret'", "parse", "link_names", "unfurl_links", "unfurl_media", "rich_text"))
