"""A tools/call: judged on its body, then forwarded, refused or held. The one place where the gateway asks the policy."""

import asyncio
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from bot import mcp
from bot.gateway import relay, waiting
from bot.gateway.context import GatewayContext
from bot.gateway.replies import json_response
from bot.mcp import Message, MessageId
from workflows import lifecycle
from workflows.audit import Entry, Tag
from workflows.calls import JSON, ToolCall
from workflows.counters import Charge, Refused, charges
from workflows.errors import NotAllowed, TooManyPending, Unmanned, UpstreamUnreachable
from workflows.lifecycle import Held
from workflows.policy import Effect, Policy, Verdict, evaluate
from workflows.tables import Grant


@dataclass(frozen=True, slots=True)
class Asked:
    """One call on its way through the gateway."""

    context: GatewayContext
    http: web.Request
    grant: Grant
    message: Message
    message_id: MessageId
    body: bytes
    call: ToolCall
    policy: Policy | None
    verdict: Verdict

    def entry(self, tag: Tag, **detail: JSON) -> Entry:
        """Tell the audit trail of this call."""
        now = self.context.clock()
        return Entry(
            tag, f"agent:{self.grant.label}", now, agent=self.grant.label, server=self.call.server, tool=self.call.tool, detail=detail
        )

    def facts(self, rule: str) -> dict[str, JSON]:
        """What is told of every call: the rule that answered, the policy, and the arguments as far as the policy lets them be told."""
        return {"rule": rule, "policy": self.grant.policy, **lifecycle.argument_detail(self.policy, self.call)}


async def judge(context: GatewayContext, http: web.Request, grant: Grant, message: Message, body: bytes) -> web.StreamResponse:
    """Ask the policy about a call and do what it says."""
    if message.call is None or message.id is None:
        raise mcp.Refused(-32600, "A tools/call needs an id and params.", message.id)
    call = message.call.to(grant.server)
    policy = context.policies.get(grant.policy)
    asked = Asked(context, http, grant, message, message.id, body, call, policy, evaluate(policy, call))
    if asked.verdict.effect is Effect.ALLOW:
        return await _forward(asked)
    if asked.verdict.effect is Effect.HOLD and policy is not None:
        return await _hold(asked, policy)
    return await _deny(asked, rule=asked.verdict.rule, why=asked.verdict.message)


async def _deny(asked: Asked, *, rule: str, why: str) -> web.Response:
    """Refuse a call; the agent gets the reason as a tool result once the refusal is in the audit trail."""
    await asked.context.recorder.put(asked.entry(Tag.CALL_DENIED, why=why, **asked.facts(rule)))
    return json_response(mcp.denied(asked.message_id, why, asked.message.era))


async def _forward(asked: Asked) -> web.StreamResponse:
    """Reserve the limits, write the audit row, and relay the bytes that were judged."""
    context, verdict = asked.context, asked.verdict
    entry = asked.entry(Tag.CALL_FORWARDED, **asked.facts(verdict.rule))
    wanted: tuple[Charge, ...] = ()
    if verdict.limits:
        wanted = charges(verdict.limits, grant=asked.grant.id, server=asked.call.server, tool=asked.call.tool, now=entry.at)
        refused = await context.recorder.put(entry, wanted)
        if refused is not None:
            return await _deny(asked, rule=refused.limit.rule, why=_used_up(refused))
    elif context.durable:
        await context.recorder.put(entry)
    else:
        context.recorder.note(entry)

    async def failed(why: str) -> None:
        context.recorder.note(asked.entry(Tag.CALL_FAILED, why=why))
        if wanted:
            await context.recorder.give_back(wanted)

    return await relay.post(context, asked.http, asked.grant, asked.message, asked.body, failed=failed, inspect=bool(wanted))


def _used_up(refused: Refused) -> str:
    limit = refused.limit
    return (
        f"The limit of {limit.max} calls a {limit.window} is used up ({limit.counter}). Try again at {refused.retry_at:%Y-%m-%dT%H:%M:%SZ}."
    )


async def _hold(asked: Asked, policy: Policy) -> web.StreamResponse:
    """Write the call down, or join the identical one, and answer as `waiting` does."""
    context = asked.context
    try:
        definition = await context.upstreams.definition(asked.call.server, asked.call.tool)
        held = await _written_down(asked, policy, definition)
    except UpstreamUnreachable as error:
        context.recorder.note(asked.entry(Tag.CALL_FAILED, why=str(error)))
        return json_response(mcp.error(asked.message_id, relay.UNREACHABLE, str(error)))
    except (Unmanned, TooManyPending, NotAllowed) as refusal:
        return await _deny(asked, rule=asked.verdict.rule, why=str(refusal))
    context.changes.notify(held.request.id)
    session_id = asked.http.headers.get("Mcp-Session-Id", "")
    waits = waiting.Waiting(asked.grant, asked.message, asked.message_id, session_id, held.request.id)
    return await waiting.respond(context, asked.http, waits, held.request)


async def _written_down(asked: Asked, policy: Policy, definition: str | None) -> Held:
    """Hold the call even if its agent breaks off in this moment: then it is written down as one that nobody waits for."""
    context = asked.context
    move = partial(
        lifecycle.hold,
        call=asked.call,
        grant=asked.grant,
        verdict=asked.verdict,
        policy=policy,
        definition=definition,
        now=context.clock(),
        max_pending=context.settings.max_pending_per_grant,
    )
    task: asyncio.Task[Held] = context.keep(context.database.awrite(move))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        context.keep(waiting.left_at_the_door(context, task))
        raise
