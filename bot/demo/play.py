"""The demo from curtain to curtain: start everything, tell what happens, let a person decide, and check the outcome."""

import asyncio
import json
import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bot.demo.person import Person
from bot.demo.stage import PERSON, Child, DemoFailed, Stage, child, output_of, prepare
from bot.demo.story import Story

_LINK = re.compile(r"http://\S+")
_AUTO_LIMIT = 60.0
_APPROVAL = "The receipt is there."
_DENIAL = "Blaise is still a customer."


@dataclass(slots=True)
class Seen:
    """What was seen to happen: effects at the upstream by tool, and answers to the agent in order."""

    effects: Counter[str] = field(default_factory=Counter)
    answers: list[tuple[str, bool, str]] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    done: bool = False

    def answer(self, tool: str, containing: str, *, is_error: bool) -> bool:
        """Say whether the agent got such an answer."""
        return any(name == tool and error == is_error and containing in text for name, error, text in self.answers)

    def checks(self) -> dict[str, bool]:
        """Give what must be true at the end when the person approved the refund and denied the deletion."""
        return {
            "the allowed call ran": self.answer("list_customers", "Ada", is_error=False) and self.effects["list_customers"] == 1,
            "the keep-alive call ran": self.effects["binance_us_keepalive_listen_key"] == 1,
            "the refund above $1,000 was denied by the policy": self.answer("create_refund", "[POLICY DENIED]", is_error=True),
            "the approved refund ran exactly once": self.answer("create_refund", "refunded", is_error=False)
            and self.effects["create_refund"] == 1,
            "the denied deletion never ran, and the agent read why": self.answer("delete_customer", _DENIAL, is_error=True)
            and self.effects["delete_customer"] == 0,
        }


async def play(story: Story, *, auto: bool) -> int:
    """Run the demo; 0 when all went as it should. Everything that it starts ends with it."""
    with tempfile.TemporaryDirectory(prefix="askfirst-demo-") as directory:
        stage = prepare(Path(directory))
        try:
            async with asyncio.timeout(_AUTO_LIMIT if auto else None):
                return await _acts(story, stage, auto=auto)
        except TimeoutError as error:
            raise DemoFailed(f"The demo did not finish within {_AUTO_LIMIT:.0f} seconds.") from error


async def _acts(story: Story, stage: Stage, *, auto: bool) -> int:
    here = [sys.executable, "-m"]
    seen = Seen()
    story.say("demo", "A payments server, the gateway in front of it, and an agent that wants more than it may.")
    async with child("server", stage, [*here, "bot.demo.server", str(stage.upstream)], stage.environment) as server:
        await server.line(beginning='{"listening"')
        story.say("server", f"a real MCP server listens on http://127.0.0.1:{stage.upstream}/mcp")
        async with child("gateway", stage, stage.askfirst("serve"), stage.environment) as gateway:
            await gateway.line(beginning="askfirst desk listening on")
            story.say("gateway", f"stands in front of it on http://127.0.0.1:{stage.gateway}/mcp/payments/")
            story.say("desk", f"people decide on http://127.0.0.1:{stage.desk}/")
            url = f"http://127.0.0.1:{stage.gateway}/mcp/payments/"
            async with child("agent", stage, [*here, "bot.demo.agent", url], stage.environment) as agent, asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(_watch_server(story, server, seen)),
                    group.create_task(_drain(gateway)),
                    group.create_task(_decide(story, stage, seen, auto=auto)),
                ]
                await _watch_agent(story, agent, seen)
                for task in beside:
                    task.cancel()
            code = await _verdict(story, stage, seen, auto=auto)
            if not auto and sys.stdin.isatty():
                story.say("desk", "The desk stays open for a look around: history and trail are there. Press Enter to end.")
                await _enter()
            return code


async def _mint(stage: Stage) -> str:
    code, said = await output_of(stage, "desk", "login", "--as", PERSON)
    found = _LINK.search(said)
    if code or not found:
        raise DemoFailed(f"No sign-in link could be made: {said}")
    return found.group()


async def _watch_server(story: Story, server: Child, seen: Seen) -> None:
    async for line in server.lines():
        event = json.loads(line)
        seen.effects[event["effect"]] += 1
        story.say("server", f"ran {event['effect']}: {event['text']}", style="bold")


async def _drain(gateway: Child) -> None:
    async for _ in gateway.lines():
        pass
    raise DemoFailed(f"The gateway ended.{gateway.last_words()}")


async def _watch_agent(story: Story, agent: Child, seen: Seen) -> None:
    heard = ""
    async for line in agent.lines():
        match json.loads(line):
            case {"event": "connected", "version": version, "tools": tools}:
                story.say("agent", f"connected with MCP {version}; it sees {', '.join(tools)}")
            case {"event": "calls", "tool": tool, "arguments": arguments}:
                story.calls(tool, arguments)
            case {"event": "progress", "text": text} if text != heard:
                heard = text
                seen.held.set()
                story.say("agent", f".. {text}", style="dim")
            case {"event": "pending", "text": text}:
                seen.held.set()
                story.say("agent", f".. {text}", style="dim")
            case {"event": "answer", "tool": tool, "is_error": is_error, "text": text}:
                seen.answers.append((tool, is_error, text))
                story.answered(tool, text, is_error=is_error)
            case {"event": "trouble", "text": text}:
                raise DemoFailed(f"The agent could not go on: {text}")
            case {"event": "done"}:
                seen.done = True
    if not seen.done:
        raise DemoFailed(f"The agent ended before its work was done.{agent.last_words()}")


async def _decide(story: Story, stage: Stage, seen: Seen, *, auto: bool) -> None:
    """Once a call is held, hand the person the way to the desk, or go there in their stead."""
    await seen.held.wait()
    link = await _mint(stage)
    if not auto:
        story.invite(link, PERSON)
        return
    jar = aiohttp.CookieJar(unsafe=True)  # cookies for an address instead of a name
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=10)) as session:
        person = Person(session, f"http://127.0.0.1:{stage.desk}")
        await person.sign_in(link)
        story.say("you", f"sign in at the desk as {PERSON}")
        for choice, reason in (("approve", _APPROVAL), ("deny", _DENIAL)):
            request_id = await person.next()
            ballot = await person.ballot(request_id, choice)
            story.say("you", f"{choice} {request_id}: {reason}")
            await person.cast(ballot, reason)


async def _verdict(story: Story, stage: Stage, seen: Seen, *, auto: bool) -> int:
    code, said = await output_of(stage, "audit", "verify")
    story.say("audit", said.splitlines()[-1].removeprefix("audit: ") if said else f"audit verify ended with {code}")
    checks = {**(seen.checks() if auto else {}), "the audit trail is whole": code == 0}
    story.outcome(checks)
    return 0 if all(checks.values()) else 1


async def _enter() -> None:
    """Wait for a line on the terminal without a thread that would outlive an interrupt."""
    loop, pressed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin, pressed.set)
    try:
        await pressed.wait()
    finally:
        loop.remove_reader(sys.stdin)
