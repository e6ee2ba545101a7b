"""The methods chat.*: posting, changing and deleting messages, and whispering to one person."""

from dataclasses import replace

from tests.fakes.slack import limits
from tests.fakes.slack.state import BOT_ID, Workspace
from tests.fakes.slack.text import escaped, escaped_blocks
from tests.fakes.slack.values import Body, Channel, Message, Refused


def written(workspace: Workspace, message: Message) -> Body:
    """Write a message as Slack gives it back."""
    body: Body = {
        "type": "message",
        "user": message.user,
        "text": escaped(message.text),
        "ts": message.ts,
        "team": workspace.team,
        "blocks": escaped_blocks(message.blocks),
    }
    if message.user == workspace.bot_user:
        body |= {"bot_id": BOT_ID, "app_id": workspace.app_id}
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if message.edited:
        body["edited"] = {"user": message.user, "ts": message.ts}
    if message.files:
        body["files"] = [{"id": name} for name in message.files]
    return body


def with_ids(workspace: Workspace, blocks: list[Body]) -> list[Body]:
    """Give blocks and their elements the ids that nobody gave them."""
    return [_with_action_ids(workspace, {"block_id": f"b{workspace.number()}", **block}) for block in blocks]


def _with_action_ids(workspace: Workspace, block: Body) -> Body:
    block = dict(block)
    if block["type"] == "actions":
        block["elements"] = [{"action_id": f"a{workspace.number()}", **element} for element in block["elements"]]
    for name in ("element", "accessory"):
        if name in block and block[name]["type"] != "image":
            block[name] = {"action_id": f"a{workspace.number()}", **block[name]}
    return block


def writable(workspace: Workspace, args: Body) -> Channel:
    """Find where to post, or raise why not."""
    if not args.get("channel"):
        raise Refused("channel_not_found")
    name = str(args["channel"])
    if name in workspace.users:
        return addressed(workspace, name)
    channel = workspace.place(name)
    if channel.archived:
        raise Refused("is_archived")
    may = "chat:write.public" in workspace.scopes and not channel.private and not channel.shared
    if workspace.bot_user not in channel.members and not may:
        raise Refused("not_in_channel")
    if channel.restricted:
        raise Refused("restricted_action")
    return channel


def addressed(workspace: Workspace, user: str) -> Channel:
    """Give the conversation with a person, or raise why there is none."""
    person = workspace.users.get(user)
    if person is None:
        raise Refused("user_not_found")
    if person.deleted:
        raise Refused("user_disabled")
    if person.is_bot:
        raise Refused("cannot_dm_bot")
    return workspace.direct(user)


def post_message(workspace: Workspace, args: Body) -> Body:
    """chat.postMessage."""
    channel = writable(workspace, args)
    text, blocks = limits.message(args.get("text"), args.get("blocks"), blocks_limit=workspace.blocks_limit)
    metadata = limits.metadata(args.get("metadata"))
    thread = args.get("thread_ts")
    if thread and workspace.message(channel.id, thread) is None:
        raise Refused("thread_not_found")
    message = Message(
        workspace.stamp(),
        text,
        with_ids(workspace, blocks),
        thread_ts=str(thread) if thread else None,
        metadata=metadata,
        user=workspace.bot_user,
        args=args,
    )
    message = workspace.keep(channel.id, message)
    return {"channel": channel.id, "ts": message.ts, "message": written(workspace, message)}


def update(workspace: Workspace, args: Body) -> Body:
    """chat.update: only one's own message, by the id of its channel."""
    if args.get("channel") not in workspace.channels:
        raise Refused("channel_not_found")
    channel = writable(workspace, args)
    old = _own(workspace, channel, args, "cant_update_message")
    if workspace.edit_window is not None and workspace.now.timestamp() - float(old.ts) > workspace.edit_window.total_seconds():
        raise Refused("edit_window_closed")
    text, blocks = limits.message(args.get("text"), args.get("blocks"), blocks_limit=workspace.blocks_limit, update=True)
    if blocks and _rich(old.blocks) and not _rich(blocks):
        raise Refused("block_mismatch")
    metadata = limits.metadata(args.get("metadata")) or old.metadata
    new = replace(
        old,
        text=text if "text" in args else old.text,
        blocks=with_ids(workspace, blocks),
        metadata=metadata,
        args=args,
        edited=True,
        versions=(*old.versions, old.blocks),
    )
    new = workspace.keep(channel.id, new)
    return {"channel": channel.id, "ts": new.ts, "text": escaped(new.text), "message": written(workspace, new)}


def _rich(blocks: list[Body]) -> bool:
    return any(block["type"] == "rich_text" for block in blocks)


def _own(workspace: Workspace, channel: Channel, args: Body, otherwise: str) -> Message:
    found = workspace.message(channel.id, args.get("ts"))
    if found is None:
        raise Refused("message_not_found")
    if found.user != workspace.bot_user:
        raise Refused(otherwise)
    return found


def delete(workspace: Workspace, args: Body) -> Body:
    """chat.delete: only one's own message."""
    if args.get("channel") not in workspace.channels:
        raise Refused("channel_not_found")
    channel = workspace.place(args["channel"])
    message = _own(workspace, channel, args, "cant_delete_message")
    workspace.delete_message(channel.id, message.ts)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(workspace: Workspace, args: Body) -> Body:
    """chat.postEphemeral: to one member of the channel."""
    channel = writable(workspace, args)
    if args.get("user") not in channel.members:
        raise Refused("user_not_in_channel")
    text, blocks = limits.message(args.get("text"), args.get("blocks"), blocks_limit=workspace.blocks_limit)
    message = whisper(workspace, channel.id, str(args["user"]), text, blocks, args=args)
    return {"message_ts": message.ts}


def whisper(workspace: Workspace, channel: str, user: str, text: str, blocks: list[Body], *, args: Body) -> Message:
    """Show one person a message that nobody else sees."""
    message = Message(
        workspace.stamp(),
        text,
        with_ids(workspace, blocks),
        thread_ts=args.get("thread_ts"),
        ephemeral_for=user,
        channel=channel,
        user=workspace.bot_user,
        args=args,
    )
    workspace.ephemerals.append(message)
    return message


def get_permalink(workspace: Workspace, args: Body) -> Body:
    """chat.getPermalink."""
    channel = workspace.place(args.get("channel"))
    message = workspace.message(channel.id, args.get("message_ts"))
    if message is None:
        raise Refused("message_not_found")
    link = f"https://test.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


CHAT = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.getPermalink": get_permalink,
}
