"""Where a message goes by Slack's ids, and whether it is there already."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

from bot.slack import ids, pace
from bot.slack.client import Trouble, TroubleKind
from bot.slack.context import SlackContext
from bot.slack.pace import Pace
from workflows import cards
from workflows.cards import Kind, Look
from workflows.tables import Delivery

THREAD = frozenset({Kind.REPLY, Kind.REMINDER})
_ID = re.compile(r"[CGD][A-Z0-9]{2,31}")
_MARGIN = timedelta(minutes=5)  # how far Slack's clock may be behind ours
_PAGES, _PAGE = 5, 200


class Places:
    """The channels and people of one workspace, as far as they were needed."""

    def __init__(self, slack: SlackContext, pace: Pace) -> None:
        self._slack, self._pace = slack, pace
        self._known: dict[str, str] = {}  # by channel name or person key, the id that Slack knows

    def learn(self, target: str, channel: str) -> None:
        """Keep by which id Slack knows a target."""
        self._known[target] = channel

    async def of(self, row: Delivery) -> str | None:
        """The id by which Slack knows where a message went; None when nothing tells."""
        if _ID.fullmatch(row.target):
            return row.target
        known = self._known.get(row.target)
        if known is None and row.kind != Kind.CARD:
            known = await self._open(row.target)
        if known is None:
            known = await self._slack.database.aread(partial(cards.place_of, target=row.target)) or await self._named(row.target)
        if known is not None:
            self._known[row.target] = known
        return known

    async def _open(self, person: str) -> str:
        workspace, _, user = person.rpartition("/")
        if workspace != f"slack:{self._slack.team}":
            raise Trouble(TroubleKind.PLACE, "another_workspace")
        try:
            answer = await self._pace.ask(pace.OPEN, self._slack.client.conversations_open, users=user)
        except Trouble as trouble:
            if trouble.error == pace.SCOPE or trouble.kind is TroubleKind.OTHER:
                raise Trouble(TroubleKind.PLACE, trouble.error) from None  # nobody can be written to: that is no trouble with the cards
            raise
        channel = answer.get("channel")
        if not isinstance(channel, dict) or not isinstance(channel.get("id"), str):
            raise Trouble(TroubleKind.TRANSIENT, "unreadable answer")
        return str(channel["id"])

    async def _named(self, name: str) -> str | None:
        asked: dict[str, Any] = {"exclude_archived": True, "types": "public_channel,private_channel", "limit": 1000}
        for _ in range(_PAGES):
            answer = await self._pace.ask(pace.LIST, self._slack.client.conversations_list, **asked)
            for channel in answer.get("channels") or ():
                if channel.get("name") == name.removeprefix("#"):
                    return str(channel["id"])
            asked["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not asked["cursor"]:
                break
        return None

    async def find(self, seen: Look) -> tuple[str, str] | None:
        """Look for a message that may exist, by the metadata that it carries; gives channel and ts."""
        row, client = seen.delivery, self._slack.client
        thread = seen.card if row.kind in THREAD else None
        channel = thread.channel if thread else await self.of(row)
        if channel is None or (thread and thread.ts is None):
            return None
        name, method = (pace.REPLIES, client.conversations_replies) if thread else (pace.HISTORY, client.conversations_history)
        asked: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "limit": _PAGE}
        asked |= {"oldest": f"{(row.updated_at - _MARGIN).timestamp():.6f}"} | ({"ts": thread.ts} if thread else {})
        for _ in range(_PAGES):
            answer = await self._pace.ask(name, method, **asked)
            for message in answer.get("messages") or ():
                if self._ours(message, row.id):
                    return channel, str(message["ts"])
            asked["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not asked["cursor"]:
                break
        return None

    def _ours(self, message: dict[str, Any], delivery_id: str) -> bool:
        """Tell our message by who wrote it and what it carries: others can write the same, but not as us."""
        by_us = message.get("bot_id") == self._slack.bot_id or message.get("user") == self._slack.bot_user
        carried = message.get("metadata") or {}
        return by_us and carried.get("event_type") == ids.METADATA and carried.get("event_payload") == {"delivery": delivery_id}
