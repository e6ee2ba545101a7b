"""Attacks of agents, strangers and a slow Slack on the whole face: what they must not delay, hide or read."""

import asyncio
import json
import threading
from functools import partial

import pytest

from bot.slack import arguments, facts
from bot.slack.ids import Action
from tests.factories import Scene, make_call, make_policy
from tests.fakes.slack import FakeSlack
from tests.integration.clicking import ALICE, BOB, CAROL, OLIVIA, A, B, C, Stage, buttons, declare, reads, running
from tests.waiting import eventually
from workflows import groups, queries
from workflows.people import ApproverGroup
from workflows.redaction import Redaction
from workflows.states import State

SECRET_PLAN = "wire it to the moon"


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """Note in which thread arguments are laid out, each time that they are."""
    lay, noted = arguments.lay, list[threading.Thread]()

    def observed(raw: bytes, rules: Redaction) -> arguments.Laid:
        noted.append(threading.current_thread())
        return lay(raw, rules)

    monkeypatch.setattr(arguments, "lay", observed)
    return noted


async def test_drawing_a_large_call_keeps_nobody_waiting(stage: Stage, layouts: list[threading.Thread]) -> None:
    """T36 T15: what takes long to lay out is laid out beside the event loop, where agents and clicks are answered."""
    raw = json.dumps({"a": [{"b": [[], "x"]}] * 13_000}, separators=(",", ":")).encode()
    request_id = await asyncio.to_thread(stage.hold, call=make_call({}, raw=raw))
    await eventually(lambda: stage.deliveries(request_id) and stage.deliveries(request_id)[0].ts, within=30)
    assert layouts
    assert threading.main_thread() not in layouts


async def test_a_guest_of_a_group_that_takes_none_reads_nothing(stage: Stage) -> None:
    """T09 T26 T32: whom a group keeps from deciding reads no call in the Home, by its row, nor by the command."""
    stage.slack.add_user("U01BOB", is_restricted=True)
    request_id, _ = await stage.held(call=make_call({"plan": SECRET_PLAN}))
    await stage.slack.event("app_home_opened", user=B, tab="home", channel="D01")
    told = await eventually(lambda: B in stage.slack.homes and reads(stage.slack.homes[B]["blocks"]), within=8)
    assert SECRET_PLAN not in json.dumps(stage.slack.homes[B])
    assert "guest" in str(told)
    await stage.slack.command(B, f"show {request_id}")
    said = await eventually(lambda: stage.told(B), within=8)
    assert SECRET_PLAN not in " ".join(said)
    assert "guest" in " ".join(said)


async def test_a_guest_whom_a_group_takes_reads_what_waits(file: Scene) -> None:
    """T13: `guests` is enforced both ways: where a group takes guests its guests see their calls."""
    group = ApproverGroup("payments", frozenset({ALICE.key, BOB.key, OLIVIA.key}), guests=True)
    async with FakeSlack() as slack, running(declare(file, group), slack) as stage:
        slack.add_user("U01BOB", is_restricted=True)
        await stage.held(call=make_call({"plan": SECRET_PLAN}))
        await slack.event("app_home_opened", user=B, tab="home", channel="D01")
        await eventually(lambda: B in slack.homes and SECRET_PLAN in reads(slack.homes[B]["blocks"]), within=8)
        assert Action.APPROVE in buttons(slack.homes[B]["blocks"])


async def test_somebody_who_is_gone_reads_nothing(stage: Stage) -> None:
    """T09 T32: an account that was deactivated while it had a request's row open reads no more of it."""
    request_id, _ = await stage.held(call=make_call({"plan": SECRET_PLAN}))
    await stage.slack.event("app_home_opened", user=B, tab="home", channel="D01")
    await eventually(lambda: B in stage.slack.homes and Action.OPEN in buttons(stage.slack.homes[B]["blocks"]), within=8)
    stage.slack.add_user("U01BOB", deleted=True)
    await stage.slack.click_home(B, Action.OPEN)
    view = await stage.modal(B, "deactivated")
    assert SECRET_PLAN not in json.dumps(view)
    assert request_id not in json.dumps(view)


def _drawn(file: Scene, ids_: list[str]) -> None:
    for request_id in ids_:
        view = file.database.read(partial(queries.one, request_id=request_id))
        assert view is not None
        facts.shown(view, team="T01TEST", desk_url="", pages=False)


def test_many_large_calls_are_laid_out_once_for_lists(file: Scene, layouts: list[threading.Thread]) -> None:
    """T15 T36: an agent with many large calls waiting makes nobody's Home lay all of them out at every look."""
    text = "\u202e" * 30_000
    ids_ = [file.held(call=make_call({"n": number, "text": text})) for number in range(6)]
    for _ in range(2):
        _drawn(file, ids_)
        assert len(layouts) == len(ids_)


async def test_what_is_very_large_keeps_no_other_card_from_its_channel(stage: Stage, layouts: list[threading.Thread]) -> None:
    """T15 T36: a card of very much is posted without laying it out; it is laid out for who opens it, and read whole as ever."""
    text = "\u202e" * 100_000
    raws = [json.dumps({"n": number, "text": text}, ensure_ascii=False).encode() for number in range(4)]
    ids_ = [await asyncio.to_thread(stage.scene.held, call=make_call({}, raw=raw)) for raw in raws]
    _drawn(stage.scene, ids_)
    stage.changes.notify(ids_[0])
    card = await stage.card(ids_[0])
    assert not layouts
    assert "Not all of them: they are too large for here. Open all of them to approve." in reads(card.blocks)
    assert Action.APPROVE not in buttons(card.blocks)
    await stage.open(A, card, Action.REVIEW, "part 1 of", "\\\\u{202E}")


def test_a_large_error_is_not_read_at_every_look(file: Scene) -> None:
    """T36: what an upstream says of megabytes is told by its size, as a result is."""
    request_id = file.held()
    view = file.database.read(partial(queries.one, request_id=request_id))
    assert view is not None
    view.request.outcome_kind, view.request.outcome = "error", json.dumps({"message": "x" * 100_000}).encode()
    said = facts.shown(view, team="T01TEST", desk_url="").outcome
    assert said == "It answered with an error of 100,015 bytes."


async def test_an_agent_cannot_hide_words_behind_a_secret(stage: Stage) -> None:
    """T01 T02: what is hidden as a private key and holds words may be what somebody has to judge, so the first warning says it."""
    _, card = await stage.held(
        call=make_call({"sql": "SELECT 1; -- -----BEGIN PRIVATE KEY-----\nDROP TABLE users; --", "z": "a\u202eb", "y": "x   y"})
    )
    told = reads(card.blocks)
    assert "DROP" not in told
    assert "Words are hidden because they look like a secret. Read them at the desk before you approve." in told
    _, card = await stage.held(call=make_call({"password": "w q x now"}))
    assert "Words are hidden" in reads(card.blocks)
    _, card = await stage.held(call=make_call({"authorization": "Bearer abcdefghijklmnop1234", "pin": 1234, "note": "ghp_" + "a1" * 12}))
    assert "redacted" in reads(card.blocks)
    assert "Words are hidden" not in reads(card.blocks)


async def test_spaces_at_the_beginning_of_a_line_of_a_text_are_seen(stage: Stage) -> None:
    """T01 T03: after a line break in a value as inside a line, nothing stands far to the right of what a reader sees."""
    _, card = await stage.held(call=make_call({"cmd": "ls\n" + " " * 300 + "rm -rf /", "nested": {"deep": [{"a": 1}]}}))
    told = reads(card.blocks)
    assert "␣" * 300 + "rm -rf /" in told
    assert '\n      "deep"' in told or '\n    "deep"' in told, "the indentation of the layout stays"


async def test_without_arguments_in_the_channel_no_warning_quotes_them(file: Scene) -> None:
    """T13 T21: with `arguments = false` the card names no word of the call, not even one that it warns of."""
    async with FakeSlack() as slack, running(file, slack, arguments=False) as stage:
        _, card = await stage.held(call=make_call({"to": "p\u0430ypal"}))
        assert "ypal" not in json.dumps(card.blocks, ensure_ascii=False)
        assert "Words that mix alphabets are in the arguments." in reads(card.blocks)


async def test_a_tool_whose_name_does_not_fit_is_read_before_it_is_approved(file: Scene) -> None:
    """T01 T02: names that differ only where a card or a list cuts them are approved after the whole was opened, and nowhere before."""
    tool = "create_refund" + "\u200b" * 120 + "_of_everything"
    file.policy = make_policy(tools={"*": {"require_approval": [{"conditions": []}]}})
    async with FakeSlack() as slack, running(file, slack) as stage:
        request_id, card = await stage.held(call=make_call({"a": 1}, tool=tool))
        assert Action.APPROVE not in buttons(card.blocks)
        value = buttons(card.blocks)[Action.DENY]["value"]
        await slack.event("app_home_opened", user=A, tab="home", channel="D01")
        await eventually(lambda: A in slack.homes and Action.DENY in buttons(slack.homes[A]["blocks"]), within=8)
        assert Action.APPROVE not in buttons(slack.homes[A]["blocks"])
        view = await stage.open(A, card, Action.REVIEW, "_of_everything", Action.APPROVE)
        assert buttons(view["blocks"])[Action.APPROVE]["value"] == value
        assert stage.scene.state(request_id) == State.PENDING


@pytest.mark.parametrize("action", [Action.OPEN, Action.SEARCH, Action.GROUP_NEW, Action.GROUP_EDIT, Action.GROUP_DELETE])
async def test_a_click_in_the_home_that_came_too_late_is_answered(file: Scene, action: Action) -> None:
    """T24: when Slack opens no form any more, whoever clicked is told so instead of nothing."""
    async with FakeSlack() as slack, running(file, slack) as stage:
        group = ApproverGroup("own", frozenset({ALICE.key}))
        make = partial(groups.create, group=group, actor=CAROL, admins=frozenset({CAROL.key}), via="slack", now=file.now)
        file.database.write(make)
        await stage.held()
        tab = {Action.OPEN: "pending", Action.SEARCH: "history"}.get(action, "groups")
        await slack.event("app_home_opened", user=C, tab="home", channel="D01")
        await eventually(lambda: C in slack.homes, within=8)
        await slack.click_home(C, f"{Action.TAB}.{tab}", value=tab)
        await eventually(lambda: action in buttons(slack.homes[C]["blocks"]), within=8)
        slack.fault("views.open", kind="error:expired_trigger_id")
        await slack.click_home(C, action)
        await eventually(lambda: "click again" in reads([message.blocks for message in slack.dms(C)]), within=8)


async def test_who_tried_to_edit_a_group_is_in_the_trail_before_they_are_answered(stage: Stage) -> None:
    """T23: a Slack that is slow, or a process that ends while it answers, loses no refusal."""
    await stage.slack.event("app_home_opened", user=A, tab="home", channel="D01")
    await eventually(lambda: A in stage.slack.homes, within=8)
    stage.slack.fault("views.open", kind="slow:2.5")
    await stage.slack.click_home(A, Action.GROUP_NEW, value="new")
    await eventually(lambda: "group.refused" in stage.scene.events(), within=1.5)
    await stage.modal(A, "Only the administrators")
