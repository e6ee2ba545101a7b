"""One step of one message: post it, paint it again, or find out whether it was posted. Every end of a step is written down.

The row is read right before the step, so that what is drawn is the newest; a post is written down before it is made.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlmodel import Session

from bot.slack import cards as drawing
from bot.slack import facts, ids, pace
from bot.slack.client import Trouble, TroubleKind
from bot.slack.context import SlackContext
from bot.slack.finding import THREAD, Places
from bot.slack.pace import Pace
from bot.slack.shapes import Message
from workflows import cards
from workflows.cards import Due, Kind, Look, Standing
from workflows.tables import Delivery

log = logging.getLogger(__name__)

_CARDS = frozenset({Kind.CARD, Kind.DIRECT})  # they have the arguments in them, and can be drawn without
_STRANGE = frozenset({TroubleKind.OTHER, TroubleKind.GONE})
_DRAWN = {
    Kind.CARD: drawing.card,
    Kind.REPLY: drawing.reply,
    Kind.REMINDER: drawing.reminder,
    Kind.DIRECT: drawing.direct,
    Kind.OUTCOME: drawing.outcome,
}
_TRIES = 5  # of a post that Slack refuses for a reason nobody has met yet
_SETTLING = timedelta(seconds=3)  # before an uncertain post is looked for: it may still be on its way
_UNFORESEEN = timedelta(seconds=30)
_FAILED = "It failed inside Askfirst; the log has the place."
_QUIET = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


class Posting:
    """What one workspace is told."""

    def __init__(self, slack: SlackContext, pace: Pace) -> None:
        self._slack, self._pace = slack, pace
        self._plain: set[str] = set()  # cards that Slack refused as drawn: they are drawn small
        self._places = Places(slack, pace)
        self._told: set[tuple[str, str]] = set()

    async def step(self, due: Due) -> None:
        """Do what this message needs now, if anything. Raises only what nobody foresaw."""
        seen = await self._slack.database.aread(partial(cards.look, delivery_id=due.id))
        if seen is None:
            return
        standing = seen.delivery.state
        if standing == Standing.WAITING:
            await self._post(seen)
        elif standing == Standing.UNCERTAIN:
            await self._find(seen)
        elif standing == Standing.POSTED and seen.delivery.shown_version < seen.view.request.version:
            await self._paint(seen)

    async def later(self, due: Due, *, hopeless: bool) -> None:
        """A step failed in a way that nobody foresaw: let the others go first. `hopeless` when trying again would fail again."""
        seen = await self._slack.database.aread(partial(cards.look, delivery_id=due.id))
        if seen is None:
            return
        row, retry_at = seen.delivery, self._now() + _UNFORESEEN
        if row.state in (Standing.POSTING, Standing.UNCERTAIN):
            await self._write(cards.uncertain, row, problem=_FAILED, retry_at=retry_at)
        elif row.state in (Standing.WAITING, Standing.POSTED) and hopeless and row.kind != Kind.CARD:
            await self._write(cards.failed, row, problem=_FAILED, fallback=None, now=self._now())
        elif row.state in (Standing.WAITING, Standing.POSTED):
            await self._write(cards.put_off, row, problem=_FAILED, retry_at=retry_at)

    async def _post(self, seen: Look) -> None:
        try:
            place = await self._place(seen)
        except Trouble as trouble:
            await self._unposted(seen.delivery, trouble, seen.card)
            return
        if place is None:
            await self._put_off(seen.delivery, "Its card is not there yet.", 5.0)
            return
        message = await self._drawn(seen)
        begun = await self._write(cards.begin, seen.delivery, now=self._now())
        if begun is None:
            return
        try:
            answer = await self._pace.ask(
                pace.POST,
                self._slack.client.chat_postMessage,
                writes=True,
                spare=_left(seen.delivery, pace.POST),
                **place,
                **self._said(seen, message),
            )
            channel, ts = _posted_at(answer)
        except Trouble as trouble:
            await self._unposted(begun, trouble, seen.card)
            return
        if seen.delivery.kind == Kind.CARD:
            self._places.learn(seen.delivery.target, channel)
            self._told = {told for told in self._told if told[0] != seen.delivery.target}
        self._shown(await self._write(cards.posted, begun, channel=channel, ts=ts, version=seen.view.request.version, now=self._now()))

    async def _paint(self, seen: Look) -> None:
        row = seen.delivery
        try:
            await self._pace.ask(
                pace.UPDATE,
                self._slack.client.chat_update,
                spare=_left(row, pace.UPDATE),
                channel=row.channel,
                ts=row.ts,
                **self._said(seen, await self._drawn(seen)),
            )
        except Trouble as trouble:
            await self._unpainted(row, trouble)
            return
        self._shown(await self._write(cards.painted, row, version=seen.view.request.version, now=self._now()))

    def _shown(self, row: Delivery | None) -> None:
        if row is not None and row.state == Standing.DONE:
            self._plain.discard(row.id)

    async def _find(self, seen: Look) -> None:
        """Look for a message that may exist. What cannot be looked for is posted again: a second card decides nothing."""
        row = seen.delivery
        try:
            found = await self._places.find(seen)
        except Trouble as trouble:
            if trouble.kind in (TroubleKind.PLACE, TroubleKind.GONE, TroubleKind.OTHER) or trouble.error == pace.SCOPE:
                await self._put_off(row, f"It could not be looked for ({trouble.error}).", 0)
            else:
                await self._write(cards.uncertain, row, problem=trouble.error, retry_at=self._now() + _SETTLING)
            return
        if found is None:
            await self._put_off(row, "It was not there.", 0)
        else:  # nobody knows which version it shows
            await self._write(cards.posted, row, channel=found[0], ts=found[1], version=0, now=self._now())

    async def _place(self, seen: Look) -> dict[str, Any] | None:
        """Where the message goes; None while the card that it belongs to is not there."""
        row = seen.delivery
        if row.kind in THREAD:
            card = seen.card
            return {"channel": card.channel, "thread_ts": card.ts} if card and card.channel and card.ts else None
        if row.kind == Kind.CARD:
            return {"channel": row.target}
        return {"channel": await self._places.of(row)}

    async def _drawn(self, seen: Look) -> Message:
        """Draw beside the event loop: laying out a megabyte takes seconds, and agents and clicks wait for nobody's card."""
        return await asyncio.to_thread(self._draw, seen)

    def _draw(self, seen: Look) -> Message:
        """Draw the message from the rows. A card that cannot be drawn is drawn small: people must hear of the call."""
        slack, arguments = self._slack, self._slack.settings.arguments
        shown = facts.shown(seen.view, team=slack.team, desk_url=slack.desk_url, arguments_in_channel=arguments, pages=False)
        kind = Kind(seen.delivery.kind)
        if kind in _CARDS and seen.delivery.id in self._plain:
            return drawing.minimal(shown)
        try:
            return _DRAWN[kind](shown)
        except Exception as error:
            if kind not in _CARDS:
                raise
            log.error("the card of %s cannot be drawn (%s); it is drawn small", seen.delivery.request_id, type(error).__name__)  # noqa: TRY400  # a trace may quote arguments
            return drawing.minimal(shown)

    def _said(self, seen: Look, message: Message) -> dict[str, Any]:
        metadata = {"event_type": ids.METADATA, "event_payload": {"delivery": seen.delivery.id}}
        return {"text": message.text, "blocks": message.blocks, "metadata": metadata, **_QUIET}

    async def _unposted(self, row: Delivery, trouble: Trouble, card: Delivery | None) -> None:
        """A post did not succeed: write what that means. A thread that is gone was the thread of a card that is gone."""
        backoff = min(2.0**row.attempt, 30.0)
        if trouble.kind is TroubleKind.AMBIGUOUS:
            await self._write(cards.uncertain, row, problem=trouble.error, retry_at=self._now() + _SETTLING)
        elif trouble.kind is TroubleKind.BLOCKS and row.kind in _CARDS and row.id not in self._plain:
            self._plain.add(row.id)
            log.warning("Slack refuses a card as it is drawn (%s); it is drawn small: %s", trouble.error, row.request_id)
            await self._put_off(row, trouble.error, 0)
        elif trouble.kind is TroubleKind.GONE and row.kind in THREAD:
            await self._write(cards.lost, row, now=self._now())
            if card is not None and card.ts is not None:
                await self._write(cards.lost, card, now=self._now())
        elif trouble.kind in (TroubleKind.PLACE, TroubleKind.BLOCKS) or (trouble.kind in _STRANGE and row.attempt >= _TRIES):
            await self._elsewhere(row, trouble)
        else:
            await self._put_off(row, trouble.error, trouble.retry_after or backoff)

    async def _unpainted(self, row: Delivery, trouble: Trouble) -> None:
        """A message could not be painted again: write what that means."""
        if trouble.kind is TroubleKind.GONE:
            await self._write(cards.lost, row, now=self._now())
        elif trouble.kind is TroubleKind.BLOCKS and row.kind in _CARDS and row.id not in self._plain:
            self._plain.add(row.id)
            await self._put_off(row, trouble.error, 0)
        elif trouble.kind in (TroubleKind.PLACE, TroubleKind.BLOCKS):
            await self._elsewhere(row, trouble)
        else:
            await self._put_off(row, trouble.error, trouble.retry_after or 5.0)

    async def _elsewhere(self, row: Delivery, trouble: Trouble) -> None:
        """This place does not take the message: take the fallback, or give up, and say so once for each place and reason."""
        fallback = self._slack.settings.fallback_channel if row.kind == Kind.CARD else None
        if fallback == row.target or (fallback is not None and row.channel == fallback):
            fallback = None
        if (row.target, trouble.error) not in self._told:
            self._told.add((row.target, trouble.error))
            instead = f"its cards go to {fallback}" if fallback else "nothing is shown there"
            log.error("Slack takes no %s in %s (%s); %s. `askfirst doctor` says the remedy.", row.kind, row.target, trouble.error, instead)
        if fallback is None:
            self._plain.discard(row.id)
        await self._write(cards.failed, row, problem=trouble.error, fallback=fallback, now=self._now())

    async def _put_off(self, row: Delivery, problem: str, seconds: float) -> None:
        await self._write(cards.put_off, row, problem=problem, retry_at=self._now() + timedelta(seconds=seconds))

    async def _write(self, verb: Callable[..., Delivery | None], row: Delivery, **values: Any) -> Delivery | None:  # noqa: ANN401  # the verb's own
        written: Callable[[Session], Delivery | None] = partial(verb, delivery_id=row.id, **values)
        return await self._slack.database.awrite(written)

    def _now(self) -> datetime:
        return self._slack.clock()


def _left(row: Delivery, method: str) -> int:
    return pace.LEFT[method] if row.kind == Kind.DIRECT else 0


def _posted_at(answer: AsyncSlackResponse) -> tuple[str, str]:
    channel, ts = answer.get("channel"), answer.get("ts")
    if not isinstance(channel, str) or not isinstance(ts, str):
        raise Trouble(TroubleKind.AMBIGUOUS, "unreadable answer")
    return channel, ts
