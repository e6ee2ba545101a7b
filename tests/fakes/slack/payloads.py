"""What Slack sends to an app: the shapes of clicks, submissions, commands, suggestions and events. Text comes escaped."""

from typing import Any

from tests.fakes.slack.chat import written
from tests.fakes.slack.state import Workspace
from tests.fakes.slack.values import Body, Channel, Message
from tests.fakes.slack.views import written as view_written

_TOKEN = "legacy-verification"


def _who(workspace: Workspace, user: str) -> Body:
    person = workspace.users[user]
    return {
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team},
        "team": {"id": workspace.team, "domain": "test"},
        "api_app_id": workspace.app_id,
        "token": _TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def action(workspace: Workspace, block: Body, element: Body, state: Body) -> Body:
    """Write one entry of `actions`: an element without what only draws it, and what was chosen."""
    drawn = ("text", "value", "style", "type", "action_id", "url")
    return {
        **{name: item for name, item in element.items() if name in drawn},
        **state,
        "block_id": block["block_id"],
        "action_ts": workspace.stamp(),
    }


def from_message(workspace: Workspace, user: str, channel: Channel, message: Message, done: Body, *, values: Body, respond: str) -> Body:
    """block_actions from a message; an ephemeral one comes without its content."""
    name = "directmessage" if channel.im else "privategroup" if channel.private else channel.name
    whispered = message.ephemeral_for is not None
    body = {
        "type": "block_actions",
        **_who(workspace, user),
        "container": {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": whispered},
        "trigger_id": workspace.trigger(user),
        "channel": {"id": channel.id, "name": name},
        "state": {"values": values},
        "response_url": respond,
        "actions": [done],
    }
    if message.thread_ts:
        body["container"]["thread_ts"] = message.thread_ts
    if not whispered:
        body["message"] = written(workspace, message)
    return body


def from_view(workspace: Workspace, user: str, view: Body, done: Body) -> Body:
    """block_actions from a Home or a modal: no channel, no message, no response_url."""
    return {
        "type": "block_actions",
        **_who(workspace, user),
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": workspace.trigger(user),
        "view": view_written(view),
        "actions": [done],
    }


def submission(workspace: Workspace, user: str, view: Body) -> Body:
    """view_submission."""
    return {
        "type": "view_submission",
        **_who(workspace, user),
        "trigger_id": workspace.trigger(user),
        "view": view_written(view),
        "response_urls": [],
    }


def closed(workspace: Workspace, user: str, view: Body, *, cleared: bool) -> Body:
    """view_closed."""
    return {"type": "view_closed", **_who(workspace, user), "view": view_written(view), "is_cleared": cleared}


def suggestion(workspace: Workspace, user: str, view: Body, place: tuple[Body, Body], *, query: str) -> Body:
    """block_suggestion: what an external menu, given with its block, offers for what was typed."""
    block, element = place
    return {
        "type": "block_suggestion",
        **_who(workspace, user),
        "container": {"type": "view", "view_id": view["id"]},
        "view": view_written(view),
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "value": query,
    }


def command(workspace: Workspace, user: str, channel: Channel, name: str, text: str, *, respond: str) -> Body:
    """A slash command: flat, every value a string."""
    person = workspace.users[user]
    return {
        "token": _TOKEN,
        "team_id": person.team,
        "team_domain": "test",
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.im else channel.name,
        "user_id": user,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": respond,
        "trigger_id": workspace.trigger(user),
    }


def event(workspace: Workspace, kind: str, body: dict[str, Any]) -> Body:
    """event_callback."""
    number = workspace.number()
    return {
        "token": _TOKEN,
        "team_id": workspace.team,
        "api_app_id": workspace.app_id,
        "event": {"type": kind, "event_ts": workspace.stamp(), **body},
        "type": "event_callback",
        "event_id": f"Ev{number:08d}",
        "event_time": int(workspace.now.timestamp()),
        "authorizations": [{"enterprise_id": None, "team_id": workspace.team, "user_id": workspace.bot_user, "is_bot": True}],
        "is_ext_shared_channel": False,
    }
