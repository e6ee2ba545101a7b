"""The methods conversations.*: what a channel is, who is in it, and what was said."""

from typing import TypeVar

from tests.fakes.slack.chat import addressed, written
from tests.fakes.slack.gate import need
from tests.fakes.slack.state import Workspace
from tests.fakes.slack.values import Body, Channel, Message, Refused

T = TypeVar("T")
_NARROW = 15  # items that an app outside the marketplace reads at once


def _family(channel: Channel) -> str:
    return "im" if channel.im else "groups" if channel.private else "channels"


def _shown(workspace: Workspace, channel: Channel) -> Body:
    if channel.im:
        return {"id": channel.id, "is_im": True, "user": channel.im, "is_archived": False, "is_open": True}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_member": workspace.bot_user in channel.members,
        "is_shared": channel.shared,
        "is_ext_shared": channel.shared,
        "num_members": len(channel.members),
    }


def _named(workspace: Workspace, args: Body, right: str) -> Channel:
    if args.get("channel") not in workspace.channels:
        raise Refused("channel_not_found")
    channel = workspace.place(args["channel"])
    if not (channel.im and right == "read"):  # every app sees the conversations that it opened
        need(workspace, f"{_family(channel)}:{right}")
    return channel


def open_(workspace: Workspace, args: Body) -> Body:
    """conversations.open: the direct message with one person."""
    users = str(args.get("users") or "").split(",")
    if users == [""]:
        raise Refused("users_list_not_supplied")
    if len(users) > 1:
        raise Refused("missing_scope", needed="mpim:write", provided=",".join(sorted(workspace.scopes)))
    return {"channel": {"id": addressed(workspace, users[0]).id}}


def info(workspace: Workspace, args: Body) -> Body:
    """conversations.info."""
    return {"channel": _shown(workspace, _named(workspace, args, "read"))}


def list_(workspace: Workspace, args: Body) -> Body:
    """conversations.list: public channels, and the private ones that the bot is in when they are asked for."""
    kinds = str(args.get("types") or "public_channel").split(",")
    every = [one for one in workspace.channels.values() if not one.im and (not one.private or workspace.bot_user in one.members)]
    shown = [one for one in every if ("private_channel" if one.private else "public_channel") in kinds]
    page, cursor = _page([_shown(workspace, one) for one in shown], args)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def members(workspace: Workspace, args: Body) -> Body:
    """conversations.members."""
    channel = _named(workspace, args, "read")
    page, cursor = _page(sorted(channel.members), args)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def _page(items: list[T], args: Body, default: int = 100) -> tuple[list[T], str]:
    start, size = int(args.get("cursor") or 0), int(args.get("limit") or default)
    return items[start : start + size], str(start + size) if start + size < len(items) else ""


def _readable(workspace: Workspace, args: Body) -> Channel:
    channel = _named(workspace, args, "history")
    if workspace.bot_user not in channel.members:
        raise Refused("not_in_channel")
    return channel


def _within(message: Message, args: Body) -> bool:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    ts = float(message.ts)
    if str(args.get("inclusive", "")).lower() in ("1", "true"):
        return oldest <= ts <= latest
    return oldest < ts < latest


def _told(workspace: Workspace, messages: list[Message], args: Body) -> Body:
    page, cursor = _page(messages, args)
    if workspace.history_limited:
        page = page[:_NARROW]
    whole = str(args.get("include_all_metadata", "")).lower() in ("1", "true")
    bodies = []
    for message in page:
        body = written(workspace, message)
        if message.metadata is not None:
            kept = message.metadata if whole else {"event_type": message.metadata["event_type"]}
            body["metadata"] = kept
        bodies.append(body)
    return {"messages": bodies, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


def history(workspace: Workspace, args: Body) -> Body:
    """conversations.history: newest first, without the replies of threads; only where the bot is a member."""
    channel = _readable(workspace, args)
    found = [one for one in reversed(workspace.messages(channel.id)) if one.thread_ts in (None, one.ts) and _within(one, args)]
    return _told(workspace, found, args)


def replies(workspace: Workspace, args: Body) -> Body:
    """conversations.replies: a thread, its first message too."""
    channel = _readable(workspace, args)
    ts = args.get("ts")
    found = [one for one in workspace.messages(channel.id) if ts in (one.ts, one.thread_ts) and (one.ts == ts or _within(one, args))]
    if not found:
        raise Refused("thread_not_found")
    return _told(workspace, found, args)


CONVERSATIONS = {
    "conversations.open": open_,
    "conversations.info": info,
    "conversations.list": list_,
    "conversations.members": members,
    "conversations.history": history,
    "conversations.replies": replies,
}
