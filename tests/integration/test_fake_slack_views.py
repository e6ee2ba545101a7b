"""Modals and Homes of the Slack that tests play against; its response_urls, its patience, and trouble on order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import FakeSlack
from tests.integration.test_fake_slack import ALICE, CHANNEL, actions, button, client, plain, refused, rich, why

Body = dict[str, Any]
FIELD = {
    "type": "input",
    "block_id": "reason",
    "label": plain("Why"),
    "element": {"type": "plain_text_input", "action_id": "text"},
}


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """Run a Slack whose clock stands still."""
    async with FakeSlack(clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)) as fake:
        yield fake


@pytest.fixture
def web(slack: FakeSlack) -> AsyncWebClient:
    """Give Slack's own client, with the bot's token."""
    return client(slack, slack.BOT_TOKEN)


def modal(**members: object) -> Body:
    """Write a modal."""
    return {"type": "modal", "title": plain("Deny"), "blocks": [rich()], **members}


async def test_a_trigger_opens_one_view_within_three_seconds(slack: FakeSlack, web: AsyncWebClient) -> None:
    """Unknown, used and late triggers each have their word; what is late is told by the settable clock."""
    trigger = slack.trigger(ALICE)
    opened = await web.views_open(trigger_id=trigger, view=modal(private_metadata="{}", callback_id="c"))
    assert opened["view"]["private_metadata"] == "{}"
    assert [view["id"] for view in slack.views[ALICE]] == [opened["view"]["id"]]
    assert await why(web.views_open(trigger_id=trigger, view=modal())) == "exchanged_trigger_id"
    assert await why(web.views_open(trigger_id="1.2.x", view=modal())) == "invalid_trigger_id"
    late = slack.trigger(ALICE)
    slack.advance(3.1)
    assert await why(web.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(modal(title=plain("a" * 25)), id="long title"),
        pytest.param(modal(submit=plain("a" * 25)), id="long submit"),
        pytest.param(modal(private_metadata="a" * 3001), id="long private_metadata"),
        pytest.param(modal(callback_id="a" * 256), id="long callback_id"),
        pytest.param(modal(blocks=[rich()] * 101), id="101 blocks"),
        pytest.param(modal(blocks=[FIELD]), id="a field and nothing to submit"),
        pytest.param(modal(blocks=[{**FIELD, "label": plain("a" * 2001)}], submit=plain("a")), id="long label"),
        pytest.param(modal(blocks=[{**FIELD, "element": button()}], submit=plain("a")), id="a button as a field"),
        pytest.param({"type": "modal", "blocks": [rich()]}, id="no title"),
        pytest.param({"type": "home", "blocks": [rich()]}, id="a Home as a modal"),
        pytest.param(
            modal(
                blocks=[
                    {**FIELD, "block_id": name, "element": {**FIELD["element"], "focus_on_load": True}}  # type: ignore[dict-item]  # an object
                    for name in "ab"
                ],
                submit=plain("a"),
            ),
            id="two with the focus",
        ),
    ],
)
async def test_a_view_beyond_a_limit_is_refused(slack: FakeSlack, web: AsyncWebClient, view: Body) -> None:
    """The answer is invalid_arguments with a pointer, and the trigger is still good."""
    trigger = slack.trigger(ALICE)
    response = await refused(web.views_open(trigger_id=trigger, view=view))
    assert response["error"] == "invalid_arguments"
    assert "json-pointer:/view" in response["response_metadata"]["messages"][0]
    assert (await web.views_open(trigger_id=trigger, view=modal()))["ok"]


async def test_a_view_of_a_quarter_of_a_megabyte_is_too_large(slack: FakeSlack, web: AsyncWebClient) -> None:
    """Size counts before content."""
    assert await why(web.views_open(trigger_id=slack.trigger(ALICE), view=modal(blocks=[rich("a" * 250_000)]))) == "view_too_large"


async def test_a_stack_is_three_deep_for_each_person(slack: FakeSlack, web: AsyncWebClient) -> None:
    """One person's stack is not another's."""
    await web.views_open(trigger_id=slack.trigger(ALICE), view=modal())
    for _ in range(2):
        await web.views_push(trigger_id=slack.trigger(ALICE), view=modal())
    assert await why(web.views_push(trigger_id=slack.trigger(ALICE), view=modal())) == "push_limit_reached"
    await web.views_open(trigger_id=slack.trigger("U01BOB"), view=modal())
    assert (len(slack.views[ALICE]), len(slack.views["U01BOB"])) == (3, 1)
    assert slack.views[ALICE][2]["previous_view_id"] == slack.views[ALICE][1]["id"]


async def test_an_old_hash_changes_nothing(slack: FakeSlack, web: AsyncWebClient) -> None:
    """Modals and Homes answer hash_conflict to whoever has not seen the newest."""
    view = (await web.views_open(trigger_id=slack.trigger(ALICE), view=modal()))["view"]
    newer = (await web.views_update(view_id=view["id"], hash=view["hash"], view=modal(title=plain("New"))))["view"]
    assert await why(web.views_update(view_id=view["id"], hash=view["hash"], view=modal())) == "hash_conflict"
    assert slack.views[ALICE][0]["hash"] == newer["hash"]
    assert await why(web.views_update(view_id="V00NONE", view=modal())) == "not_found"
    home = {"type": "home", "blocks": [rich()]}
    first = (await web.views_publish(user_id=ALICE, view=home))["view"]
    await web.views_publish(user_id=ALICE, view=home, hash=first["hash"])
    assert await why(web.views_publish(user_id=ALICE, view=home, hash=first["hash"])) == "hash_conflict"
    assert await why(web.views_publish(user_id=ALICE, view={**home, "title": plain("Home")})) == "invalid_arguments"
    assert await why(web.views_publish(user_id="U00NONE", view=home)) == "invalid_arguments"
    assert slack.homes[ALICE]["id"] == first["id"]


async def test_what_would_be_refused_can_be_asked(web: AsyncWebClient) -> None:
    """blocks.validate says it, and does nothing."""
    assert (await web.blocks_validate(blocks=[rich()]))["ok"]
    assert (await web.blocks_validate(view=modal()))["ok"]
    assert await why(web.blocks_validate(blocks=[{"type": "marquee"}])) == "invalid_blocks"
    assert await why(web.blocks_validate(view=modal(title=plain("a" * 25)))) == "invalid_blocks"


async def test_a_response_url_is_good_five_times_in_half_an_hour(slack: FakeSlack) -> None:
    """Then it is used up or too old; an unknown one was never there, and who left the channel hears nothing."""
    async with aiohttp.ClientSession() as session:

        async def say(path: str, **body: object) -> str:
            async with session.post(f"{slack.address}/hooks/actions/{path}", json={"text": "a", **body}) as response:
                return "ok" if response.status == 200 else str((await response.json())["error"])

        path = slack.hook(ALICE, CHANNEL)
        assert [await say(path) for _ in range(6)] == ["ok"] * 5 + ["used_url"]
        late = slack.hook(ALICE, CHANNEL)
        slack.advance(timedelta(minutes=30, seconds=1))
        assert await say(late) == "expired_url"
        assert await say("T01TEST/0/none") == "no_such_url"
        message = slack.say(CHANNEL, slack.bot_user, "card")
        assert await say(slack.hook(ALICE, CHANNEL, message.ts), text="new", replace_original=True) == "ok"
        assert [one.text for one in slack.messages(CHANNEL)] == ["new"]
        assert await say(slack.hook(ALICE, CHANNEL, message.ts), delete_original=True) == "ok"
        assert await say(slack.hook(ALICE, CHANNEL), text="all", response_type="in_channel") == "ok"
        assert [one.text for one in slack.messages(CHANNEL)] == ["all"]
        slack.kick(CHANNEL, ALICE)
        assert await say(slack.hook(ALICE, CHANNEL)) == "user_not_in_channel"
        assert await say(slack.hook("U01BOB", CHANNEL), blocks=[{"type": "marquee"}]) == "invalid_blocks"


async def test_haste_is_answered_with_429_and_when_to_come_back(slack: FakeSlack, web: AsyncWebClient) -> None:
    """A method has so many calls a minute, a channel a message a second after a short burst; the switch turns it off."""
    for _ in range(5):
        await web.chat_postMessage(channel=CHANNEL, text="a")
    response = await refused(web.chat_postMessage(channel="#agent-approvals", text="a"))
    assert (response["error"], response.status_code, response.headers["Retry-After"]) == ("ratelimited", 429, "1")
    assert (await web.chat_postMessage(channel="C02FALLBACK", text="a"))["ok"]
    slack.advance(1)
    assert (await web.chat_postMessage(channel=CHANNEL, text="a"))["ok"]
    for _ in range(20):
        await web.usergroups_list()
    response = await refused(web.usergroups_list())
    assert (response["error"], response.headers["Retry-After"]) == ("ratelimited", "60")
    assert (await web.auth_test())["ok"]
    slack.rate_limits = False
    assert (await web.usergroups_list())["ok"]
    slack.rate_limits, slack.history_limited = True, True
    await web.conversations_history(channel=CHANNEL)
    assert await why(web.conversations_history(channel=CHANNEL)) == "ratelimited"


async def test_trouble_comes_as_ordered(slack: FakeSlack) -> None:
    """For a method and its n-th call: what is answered, and whether Slack acted first. All that the SDK raises is seen."""
    web = AsyncWebClient(token=slack.BOT_TOKEN, base_url=slack.api_url, timeout=1, retry_handlers=[])
    post = "chat.postMessage"

    def posting() -> Any:  # noqa: ANN401  # a call of the SDK
        return web.chat_postMessage(channel=CHANNEL, text="a")

    slack.fault(post, nth=2, kind="429", retry_after=7)
    assert (await posting())["ok"]
    response = await refused(posting())
    assert (response["error"], response.headers["Retry-After"]) == ("ratelimited", "7")
    for kind, status in (("500", 500), ("503", 503)):
        slack.fault(post, kind=kind)
        assert (await refused(posting())).status_code == status
    slack.fault(post, kind="error:fatal_error")
    assert await why(posting()) == "fatal_error"
    slack.fault(post, kind="list")
    with pytest.raises(AttributeError):
        await posting()
    slack.fault(post, kind="hang")
    with pytest.raises(TimeoutError):
        await posting()
    slack.fault(post, kind="cut_before")
    with pytest.raises(aiohttp.ClientError):
        await posting()
    assert len(slack.messages(CHANNEL)) == 1
    slack.fault(post, kind="cut_after")
    with pytest.raises(aiohttp.ClientError):
        await posting()
    assert len(slack.messages(CHANNEL)) == 2
    assert slack.calls[-1].answer["fault"] == "cut_after"
    slack.fault(post, kind="500_after")
    assert (await refused(posting())).status_code == 500
    assert len(slack.messages(CHANNEL)) == 3
    slack.fault("*", kind="slow:0.01")
    assert (await posting())["ok"]
    slack.fault(post, times=3, kind="503")
    slack.clear_faults()
    assert (await posting())["ok"]
    with pytest.raises(ValueError, match="no fault"):
        slack.fault(post, kind="flood")


async def test_the_sdk_posts_twice_after_a_cut_connection(slack: FakeSlack) -> None:
    """The default retry of Slack's own client is what the fake makes visible: two messages for one call."""
    slack.fault("chat.postMessage", kind="cut_after")
    await client(slack, slack.BOT_TOKEN).chat_postMessage(channel=CHANNEL, text="a")
    assert len(slack.messages(CHANNEL)) == 2


async def test_an_outage_takes_nothing_and_ends(slack: FakeSlack) -> None:
    """While Slack is away every call is cut and nothing happens."""
    web = AsyncWebClient(token=slack.BOT_TOKEN, base_url=slack.api_url, timeout=1, retry_handlers=[])
    slack.outage()
    with pytest.raises(aiohttp.ClientError):
        await web.chat_postMessage(channel=CHANNEL, text="a")
    slack.recover()
    await web.chat_postMessage(channel=CHANNEL, text="b")
    assert [one.text for one in slack.messages(CHANNEL)] == ["b"]


async def test_the_log_has_what_was_said_and_no_token(slack: FakeSlack, web: AsyncWebClient) -> None:
    """Calls are kept with their time and answer, and without what lets one in."""
    await asyncio.gather(web.auth_test(), web.chat_postMessage(channel=CHANNEL, text="a", blocks=[actions(button())]))
    assert {call.method for call in slack.calls} == {"auth.test", "chat.postMessage"}
    assert all(call.at == slack.now and call.answer["ok"] for call in slack.calls)
    assert slack.BOT_TOKEN not in repr(slack.calls)
