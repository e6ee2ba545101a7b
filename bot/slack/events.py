"""What Slack tells without being asked: about the app, people and channels. A hint to look again, never a fact to build on."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack.context import SlackContext
from bot.slack.ids import Action

_CHANNELS = ("channel_archive", "channel_deleted", "channel_left", "channel_rename", "group_left", "group_rename")


def register(app: AsyncApp, slack: SlackContext, *, lost: Callable[[str], None], wake: Callable[[], None]) -> None:
    """Listen. `lost` is told by Slack's word that the bot token is gone; `wake` that some channel is not what it was."""

    async def nothing(ack: AsyncAck) -> None:
        await ack()

    async def uninstalled() -> None:
        lost("account_inactive")

    async def revoked(event: dict[str, Any]) -> None:
        tokens = event.get("tokens")
        if not isinstance(tokens, dict) or tokens.get("bot"):
            lost("token_revoked")

    async def channel() -> None:
        wake()

    app.action(re.compile(rf"{Action.LINK}(\..*)?"))(nothing)  # a button with a URL tells us too, and wants an answer
    app.event("app_uninstalled")(uninstalled)
    app.event("tokens_revoked")(revoked)
    for name in _CHANNELS:
        app.event(name)(channel)
    for name in ("subteam_updated", "subteam_members_changed", "user_change"):
        app.event(name)(_changed(slack))


def _changed(slack: SlackContext) -> Callable[..., Awaitable[None]]:
    async def changed(event: dict[str, Any]) -> None:
        about = event.get("subteam") or event.get("user")
        found = about.get("id") if isinstance(about, dict) else event.get("subteam_id")
        if isinstance(found, str):
            slack.directory.invalidate(f"slack:{slack.team}/{found}")

    return changed
