"""`askfirst explain`: what a policy says about a call, by which rule, and why not by an earlier one."""

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot import mcp
from bot.cli import policy_files, tool_files
from bot.cli.answered import answered
from bot.cli.moments import moment
from bot.cli.opening import now
from bot.cli.options import Json
from bot.cli.output import document, one_line, say
from bot.cli.tool_files import ToolsFile
from workflows.calls import JSON, ToolCall, canonical, parse_json
from workflows.errors import Malformed
from workflows.policy import Hold, Limit, Policy, Situation
from workflows.policy.amounts import shown
from workflows.policy.explaining import Explanation, Step, by_name, explain, per_window, spelled, unused
from workflows.policy.looking import Joint, Met, Seen

_WIDEST = 100


def command(
    *,
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="The policy.", show_default=False)],
    tool: Annotated[str, typer.Option("--tool", metavar="NAME", help="The tool that is called.", show_default=False)],
    args: Annotated[str, typer.Option("--args", metavar="JSON", help="Its arguments, a JSON object.")] = "{}",
    grant: Annotated[str | None, typer.Option("--grant", metavar="LABEL", help="The agent's grant.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="PERSON", help="Who answers for the agent.")] = None,
    server: Annotated[str, typer.Option("--server", metavar="NAME", help="The server that is called.")] = "",
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="When, as 2026-01-31T09:00:00Z; now without it.")] = None,
    tools: ToolsFile = None,
    as_json: Json = False,
) -> None:
    """Say what a policy answers to a call, by which rule, what the conditions saw, and why no earlier rule fired. Nothing is called."""
    when = now() if at is None else moment(at, param="--at")
    asked = called(server, tool, args)
    loaded = policy_files.good(policy)
    used, assumed = unused(loaded, asked.tool)
    listed = tool_files.looked_up(tools, asked.tool) if tools else tool_files.by_name(asked.tool)
    found = answered(explain(loaded, asked, Situation(label=grant, owner=owner, at=when, tool=listed, used=used)))
    named = by_name(found, listed) if listed is not None and tools is None else None
    found = replace(found, trace=(*filter(None, (assumed, named)), *found.trace))
    if as_json:
        document(plain(found))
        return
    for line in _lines(found, loaded):
        say(line)


def called(server: str, tool: str, args: str) -> ToolCall:
    """Read a call as the gateway reads it, and refuse what the gateway refuses, with the same sentence."""
    try:
        arguments = parse_json(args)
    except Malformed as error:
        raise Malformed(f"--args: {error}") from error
    params: JSON = {"name": tool, "arguments": arguments}
    message = mcp.parse(canonical({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
    if message.call is None:
        raise mcp.Refused(-32600, "This is no call of a tool.")
    return ToolCall(server, tool, message.call.arguments, args.encode())


def plain(found: Explanation) -> dict[str, JSON]:
    """Give an explanation as JSON."""
    verdict = found.verdict
    return {
        "verdict": verdict.effect.value,
        "rule": verdict.rule,
        "message": verdict.message,
        "trace": [step.plain() for step in found.trace],
        "hold": _plain_hold(verdict.hold),
        "limits": [_plain_limit(limit) for limit in verdict.limits],
        "monitored": _plain_hold(verdict.monitored),
    }


def _plain_hold(hold: Hold | None) -> JSON:
    if hold is None:
        return None
    return {
        "approvers": hold.approvers,
        "quorum": hold.quorum,
        "expires_in": spelled(hold.expires_in),
        "remind_every": spelled(hold.remind_every) if hold.remind_every else None,
        "channel": hold.channel,
        "reason": hold.reason,
        "reason_required": hold.reason_required,
    }


def _plain_limit(limit: Limit) -> JSON:
    return {
        "rule": limit.rule,
        "counter": limit.counter,
        "window": limit.window.value,
        "max": limit.max,
        "scope": limit.scope.value,
        "adds": shown(limit.amount, limit),
    }


def _lines(found: Explanation, policy: Policy) -> Iterator[str]:
    verdict = found.verdict
    yield f"verdict:  {verdict.effect.value}"
    for name, value in (
        ("rule", verdict.rule),
        ("message", verdict.message),
        ("held", _held(verdict.hold)),
        ("watched", f"the policy only watches; else {_held(verdict.monitored)}" if verdict.monitored else ""),
        ("limits", "; ".join(f"{limit.counter}, {shown(limit.amount, limit)} of {per_window(limit)}" for limit in verdict.limits)),
        ("policy", f"{policy.name}, SHA-256 {policy.sha256}"),
    ):
        if value:
            yield from _paragraph(f"{name + ':':<10}{one_line(value)}", 10)
    yield "why, in the order in which it is asked:"
    for step in found.trace:
        yield from _step(step)


def _held(hold: Hold | None) -> str:
    if hold is None:
        return ""
    people = f"{hold.quorum} of the group {hold.approvers} must approve within {spelled(hold.expires_in)}"
    more = [
        f"the card goes to {hold.channel}" if hold.channel else "",
        f"a reminder comes every {spelled(hold.remind_every)}" if hold.remind_every else "",
        {"always": "every vote needs a reason", "deny": "a denial needs a reason"}.get(hold.reason_required, ""),
    ]
    return ", ".join([people, *filter(None, more)])


def _step(step: Step) -> Iterator[str]:
    mark = "=>" if step.decided else "  "
    yield from _paragraph(f"{mark} {step.kind.value}: {step.outcome.value}  {one_line(step.rule)}", 7)
    yield from _paragraph(f"     {one_line(step.sentence)}", 5)
    if len(step.conditions) > 1 or any(isinstance(seen, Joint) for seen in step.conditions):
        for seen in step.conditions:
            yield from _seen(seen, 7)


def _seen(seen: Seen, indent: int) -> Iterator[str]:
    mark = {Met.MET: "+", Met.NOT_MET: "-", Met.UNTOLD: "?"}[seen.outcome]
    said = f"{seen.joined}: {seen.outcome.value}" if isinstance(seen, Joint) else seen.why
    yield from _paragraph(f"{' ' * indent}{mark} {one_line(said)}", indent + 2)
    for member in seen.members if isinstance(seen, Joint) else ():
        yield from _seen(member, indent + 2)


def _paragraph(text: str, indent: int) -> list[str]:
    """Break a text at the terminal's edge; what goes into a pipe stays on its line."""
    if not sys.stdout.isatty():
        return [text]
    width = min(Console().width, _WIDEST)
    kept = textwrap.wrap(
        text, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )
    return kept or [text]
