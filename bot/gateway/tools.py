"""A tools/call: judged on its body, then forwarded, refused or held. The one place where the gateway asks the policy."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, Final, TypeVar

from aiohttp import web

from bot import mcp
from bot.gateway import relay, waiting
from bot.gateway.context import GatewayContext
from bot.gateway.replies import UNAVAILABLE, json_response
from bot.mcp import Message, MessageId
from workflows import audit, lifecycle
from workflows.audit import Entry, Tag, Told
from workflows.calls import JSON, ToolCall
from workflows.counters import Charge, Refused, charges, impossible
from workflows.counters import read as read_counters
from workflows.errors import AskfirstError, DatabaseUnusable, NotAllowed, TooManyPending, Unmanned, UpstreamUnreachable
from workflows.lifecycle import Held
from workflows.policy import Audited, Effect, Hold, KnownTool, Policy, Situation, Verdict, counters, evaluate
from workflows.policy.shapes import Shape
from workflows.policy.situation import UNKNOWN
from workflows.tables import Grant

log = logging.getLogger(__name__)
H = TypeVar("H", Held, Held | None)


_NOTHING_USED: Final[Mapping[str, int]] = MappingProxyType({})
_FEW, _SHORT = 32, 1_000  # argument keys, and their characters; what a call with more of them tells is not kept in memory


@dataclass(slots=True)
class Asked:
    """One call on its way through the gateway."""

    context: GatewayContext
    http: web.BaseRequest
    grant: Grant
    message: Message
    message_id: MessageId
    body: bytes
    call: ToolCall
    policy: Policy | None
    verdict: Verdict
    tool: KnownTool | None = None

    def entry(self, tag: Tag, **detail: JSON) -> Entry:
        """Tell the audit trail of this call."""
        now = self.context.clock()
        return Entry(
            tag, f"agent:{self.grant.label}", now, agent=self.grant.label, server=self.call.server, tool=self.call.tool, detail=detail
        )

    @property
    def key(self) -> tuple[str, str, MessageId]:
        """The call as its own agent names it, for `notifications/cancelled`."""
        return (self.grant.id, self.http.headers.get("Mcp-Session-Id", ""), self.message_id)

    def facts(self, rule: str) -> dict[str, JSON]:
        """What is told of every call: the rule that answered, the policy, and the arguments as far as the policy lets them be told."""
        return {"rule": rule, "policy": self.grant.policy, **lifecycle.argument_detail(self.policy, self.call)}

    def whole(self) -> ToolCall:
        """The call together with the text of its arguments, as a held call needs it."""
        return replace(self.call, raw_arguments=self.message.call.raw_arguments if self.message.call else b"")

    def forwarded(self) -> Entry:
        """Tell of an allowed call; with argument keys alone most calls of a tool tell the same, which is then written once."""
        keys = tuple(self.call.arguments)
        label, now = self.grant.label, self.context.clock()
        detail: Mapping[str, JSON] | Told
        if self.verdict.monitored is not None:
            detail = self.facts(self.verdict.rule) | _monitored(self.verdict, self.verdict.monitored)
        elif self.policy is not None and _tells_keys(self.policy.shape) and len(keys) <= _FEW and sum(map(len, keys)) <= _SHORT:
            detail = _told(self.verdict.rule, self.grant.policy, keys)
        else:
            detail = self.facts(self.verdict.rule)
        actor = f"agent:{label}"
        return Entry(Tag.CALL_FORWARDED, actor, now, agent=label, server=self.call.server, tool=self.call.tool, detail=detail)


@lru_cache(maxsize=4096)
def _told(rule: str, policy: str | None, keys: tuple[str, ...]) -> Told:
    told_keys: list[JSON] = [*sorted(keys)]
    return audit.told({"rule": rule, "policy": policy, "argument_keys": told_keys})


def _tells_keys(shape: Shape) -> bool:
    """Tell whether the trail has the keys of arguments, as they are."""
    return shape.audited is Audited.KEYS and not shape.redaction.patterns


def _monitored(verdict: Verdict, hold: Hold) -> dict[str, JSON]:
    """What is told of a call that would have been held, if its policy did more than watch."""
    return {"message": verdict.message, "would_hold": {"approvers": hold.approvers, "quorum": hold.quorum}}


async def judge(context: GatewayContext, http: web.BaseRequest, grant: Grant, message: Message, body: bytes) -> web.StreamResponse:
    """Ask the policy about a call and do what it says."""
    if message.call is None or message.id is None:
        raise mcp.Refused(-32600, "A tools/call needs an id and params.", message.id)
    call = message.call.to(grant.server)
    policy = context.policies.get(grant.policy)
    situation = await _situation(context, grant, policy, call)
    verdict = evaluate(policy, call, situation)
    asked = Asked(context, http, grant, message, message.id, body, call, policy, verdict, situation.tool)
    if context.outstanding.has(grant.id, call.tool) and (answer := await _repeated(asked)) is not None:
        return answer
    if verdict.effect is Effect.ALLOW:
        return await _forward(asked)
    if verdict.effect is Effect.HOLD and policy is not None:
        never = impossible(verdict.limits)
        return await (_hold(asked, policy) if never is None else _deny(asked, rule=never.limit.rule, why=never.sentence))
    return await _deny(asked, rule=verdict.rule, why=verdict.message)


async def _situation(context: GatewayContext, grant: Grant, policy: Policy | None, call: ToolCall) -> Situation:
    """Gather what the policy may ask for beside the call. Only counters that its conditions read are looked up in the database."""
    if policy is None:
        return UNKNOWN
    now, used = context.clock(), _NOTHING_USED
    tool = await context.tool_lists.known(call.server, call.tool) if context.tool_lists is not None else None
    if counted := counters(policy, call.tool):
        look = partial(read_counters, limits=counted, grant=grant.id, server=call.server, tool=call.tool, now=now)
        used = await context.database.aread(look)
    return Situation(grant.label, grant.owner, now, tool, used)


async def _deny(asked: Asked, *, rule: str, why: str) -> web.Response:
    """Refuse a call; the agent gets the reason as a tool result once the refusal is in the audit trail."""
    return json_response(await _denial(asked, rule=rule, why=why))


async def _denial(asked: Asked, *, rule: str, why: str) -> bytes:
    await asked.context.recorder.put(asked.entry(Tag.CALL_DENIED, why=why, **asked.facts(rule)))
    return mcp.denied(asked.message_id, why, asked.message.era)


async def _forward(asked: Asked) -> web.StreamResponse:
    """Reserve the limits, write the audit row, and relay the bytes that were judged."""
    context, verdict = asked.context, asked.verdict
    entry = asked.forwarded()
    if (hold := verdict.monitored) is not None:
        log.info("a call of %r by %s would be held for %s: %s", asked.call.tool, asked.grant.label, hold.approvers, verdict.rule)
    wanted: tuple[Charge, ...] = ()
    if verdict.limits:
        wanted = charges(verdict.limits, grant=asked.grant.id, server=asked.call.server, tool=asked.call.tool, now=entry.at)
        refused = await _reserved(asked, entry, wanted)
        if refused is not None:
            return await _deny(asked, rule=refused.limit.rule, why=refused.sentence)
    elif context.durable:
        await context.recorder.put(entry)
    else:
        context.recorder.note(entry)
    failure = _Failure(asked, wanted)
    return await relay.post(context, asked.http, asked.grant, asked.message, asked.body, failed=failure.note, inspect=bool(wanted))


async def _reserved(asked: Asked, entry: Entry, wanted: tuple[Charge, ...]) -> Refused | None:
    """Reserve the limits; for an agent that leaves in this moment nothing is sent, and they are given back."""
    context = asked.context
    task = context.keep(context.recorder.put(entry, wanted))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        context.keep(_left(asked, task, wanted))
        raise


async def _left(asked: Asked, reserving: "asyncio.Task[Refused | None]", wanted: tuple[Charge, ...]) -> None:
    if await reserving is None:
        await _Failure(asked, wanted).note("the agent left before the call was sent", may_have_run=False)


@dataclass(slots=True)
class _Failure:
    """What is done once about a forwarded call that came to nothing: an audit row, and its limits back unless it may have run."""

    asked: Asked
    wanted: tuple[Charge, ...]
    _noted: bool = False

    async def note(self, why: str, may_have_run: bool) -> None:  # noqa: FBT001  # as `relay.Failed` has it
        """Write it down. The answer of the upstream is the agent's even if that cannot be done."""
        if self._noted:
            return
        self._noted = True
        try:
            self.asked.context.recorder.note(self.asked.entry(Tag.CALL_FAILED, why=why))
            if self.wanted and not may_have_run:
                await self.asked.context.recorder.give_back(self.wanted)
        except DatabaseUnusable as error:
            log.warning("a call that failed could not be written down: %s", error)


async def _repeated(asked: Asked) -> web.StreamResponse | None:
    """Answer the repeat of a call that was held before from what became of that one, whatever the policy says today."""
    with asked.context.waiters.cancellable(asked.key) as cancelled:
        waits = asked.verdict.effect is not Effect.HOLD
        held = await _written_down(asked, _join(asked, waiting=waits))
        if held is None:
            return web.Response(status=204) if cancelled.is_set() else None  # cancelled before anything was done
        return await _answered(asked, held, cancelled)


async def _join(asked: Asked, *, waiting: bool) -> Held | None:
    context = asked.context
    return await context.database.awrite(partial(lifecycle.join, call=asked.call, grant=asked.grant, now=context.clock(), waiting=waiting))


async def _answered(asked: Asked, held: Held, cancelled: asyncio.Event, stream: web.StreamResponse | None = None) -> web.StreamResponse:
    asked.context.changes.notify(held.request.id)
    waits = waiting.Waiting(asked.grant, asked.message, asked.message_id, held.request.id)
    return await waiting.respond(asked.context, asked.http, waits, held.request, cancelled, stream=stream)


async def _hold(asked: Asked, policy: Policy) -> web.StreamResponse:
    """Write the call down, or join the identical one, and answer as `waiting` does."""
    context = asked.context
    if asked.message.call is not None and asked.message.call.continues:
        why = "This call answers a question of the server, and it needs approval, which can be given to a call from its start only."
        return await _deny(asked, rule=asked.verdict.rule, why=f"{why} Ask again without requestState and inputResponses.")
    lookup = asyncio.ensure_future(context.upstreams.definition(asked.call.server, asked.call.tool))
    try:
        with context.waiters.cancellable(asked.key) as cancelled:
            stream = await waiting.opened_meanwhile(asked.http, lookup)
            return await _looked_up(asked, policy, lookup, cancelled, stream)
    finally:
        lookup.cancel()


async def _looked_up(
    asked: Asked, policy: Policy, lookup: "asyncio.Future[str | None]", cancelled: asyncio.Event, stream: web.StreamResponse | None
) -> web.StreamResponse:
    context = asked.context
    try:
        definition = await lookup
        if cancelled.is_set():
            return stream or web.Response(status=204)  # before anybody was asked
        asked = await _judged_again(asked, policy)
        context.outstanding.add(asked.grant.id, asked.call.tool)
        held = await _written_down(asked, _ask(asked, policy, definition))
        context.outstanding.add(asked.grant.id, asked.call.tool)  # again: the write may have lasted over a reading
    except UpstreamUnreachable as error:
        again = await _written_down(asked, _join(asked, waiting=True))
        if again is not None:
            return await _answered(asked, again, cancelled, stream)
        context.recorder.note(asked.entry(Tag.CALL_FAILED, why=str(error)))
        return await waiting.say(stream, mcp.error(asked.message_id, relay.UNREACHABLE, str(error)))
    except (Unmanned, TooManyPending, NotAllowed) as refusal:
        return await waiting.say(stream, await _denial(asked, rule=asked.verdict.rule, why=str(refusal)))
    except AskfirstError as error:
        if stream is None:
            raise
        return await waiting.say(stream, mcp.error(asked.message_id, UNAVAILABLE, str(error)))
    return await _answered(asked, held, cancelled, stream)


async def _judged_again(asked: Asked, policy: Policy) -> Asked:
    """The lookup may have shown that the tool changed: then the call is judged as one of a changed tool, and people see the difference."""
    if asked.context.tool_lists is None:
        return asked
    tool = await asked.context.tool_lists.known(asked.call.server, asked.call.tool)
    if tool is None or (asked.tool is not None and (tool.sha256, tool.changed) == (asked.tool.sha256, asked.tool.changed)):
        return asked
    situation = await _situation(asked.context, asked.grant, policy, asked.call)
    verdict = evaluate(policy, asked.call, situation)
    return replace(asked, tool=situation.tool, verdict=asked.verdict if verdict.effect is Effect.ALLOW else verdict)


async def _ask(asked: Asked, policy: Policy, definition: str | None) -> Held:
    """Write the call down, and tell the policy's webhook of a request that is new. Raises NotAllowed when it is denied by now."""
    context = asked.context
    if asked.verdict.hold is None:
        raise NotAllowed(asked.verdict.message)
    move = partial(
        lifecycle.hold,
        call=asked.whole(),
        grant=asked.grant,
        verdict=asked.verdict,
        policy=policy,
        definition=definition,
        now=context.clock(),
        tool=asked.tool,
        max_pending=context.settings.max_pending_per_grant,
    )
    held = await context.database.awrite(move)
    if held.joined:
        return held
    if held.request.previous_id is not None:
        context.changes.notify(held.request.previous_id)  # it was withdrawn perhaps, and somebody waits for it
    if policy.shape.webhook is not None:
        context.webhook.tell(policy.shape.webhook, held.request)
    return held


async def _written_down(asked: Asked, writing: Coroutine[Any, Any, H]) -> H:
    """Hold or join even if the agent breaks off in this moment: then it is written down as one that nobody waits for."""
    task: asyncio.Task[H] = asked.context.keep(writing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        asked.context.keep(waiting.left_at_the_door(asked.context, task))
        raise
