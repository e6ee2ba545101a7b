"""What an app may say at a response_url: five times in thirty minutes."""

from dataclasses import replace

from tests.fakes.slack import limits
from tests.fakes.slack.chat import whisper, with_ids
from tests.fakes.slack.state import Hook, Workspace
from tests.fakes.slack.values import Body, Message, Refused

_USES, _SECONDS = 5, 30 * 60


def answer(workspace: Workspace, name: str, body: Body) -> Body:
    """Do what the app says; raises what Slack answers."""
    hook = workspace.hooks.get(name)
    if hook is None:
        raise Refused("no_such_url")
    if (workspace.now - hook.at).total_seconds() > _SECONDS:
        raise Refused("expired_url")
    if hook.uses >= _USES:
        raise Refused("used_url")
    original = _original(workspace, hook)
    if body.get("delete_original"):
        _gone(workspace, hook, original)
    else:
        text, blocks = limits.message(body.get("text"), body.get("blocks"), blocks_limit=workspace.blocks_limit)
        if body.get("replace_original") and original is not None:
            _replaced(workspace, hook, original, text, blocks)
        elif body.get("response_type") == "in_channel":
            message = Message(workspace.stamp(), text, with_ids(workspace, blocks), user=workspace.bot_user, args=body)
            workspace.keep(hook.channel, message)
        else:
            if hook.user not in workspace.channels[hook.channel].members:
                raise Refused("user_not_in_channel")
            whisper(workspace, hook.channel, hook.user, text, blocks, args=body)
    hook.uses += 1
    return {"ok": True}


def _original(workspace: Workspace, hook: Hook) -> Message | None:
    if hook.ts is None:
        return None
    whispered = (one for one in workspace.ephemerals if one.ts == hook.ts)
    return workspace.message(hook.channel, hook.ts) or next(whispered, None)


def _gone(workspace: Workspace, hook: Hook, original: Message | None) -> None:
    if original in workspace.ephemerals:
        workspace.ephemerals.remove(original)
    elif original is not None:
        workspace.delete_message(hook.channel, original.ts)


def _replaced(workspace: Workspace, hook: Hook, original: Message, text: str, blocks: list[Body]) -> None:
    new = replace(original, text=text, blocks=with_ids(workspace, blocks), edited=True, versions=(*original.versions, original.blocks))
    if original in workspace.ephemerals:
        workspace.ephemerals[workspace.ephemerals.index(original)] = new
    else:
        workspace.keep(hook.channel, new)
