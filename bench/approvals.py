"""How long it takes from a person's click to the upstream's ear: approvals through the real desk, one after the other."""

import asyncio
import time
from collections.abc import Mapping

import aiohttp

from bench.load import message
from bot.demo.person import Person


async def _held(session: aiohttp.ClientSession, url: str, token: str, key: str) -> None:
    """Make one held call and wait on its stream for the outcome."""
    _, _, body = message(url, token, "act", {"key": key}).partition(b"\r\n\r\n")
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "act",
        "Authorization": f"Bearer {token}",
    }
    async with session.post(url, data=body, headers=headers) as answer:
        text = await answer.text()
    if '"isError":false' not in text.replace('": ', '":'):
        raise SystemExit(f"The held call {key} ended otherwise: {text[-300:]}")


async def measure(urls: Mapping[str, str], desk: str, link: str, token: str, *, count: int) -> list[float]:
    """Hold and approve `count` calls; gives milliseconds from sending the approval to the upstream's receiving the call, sorted."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies for an address instead of a name
    pressed: dict[str, float] = {}
    async with aiohttp.ClientSession(cookie_jar=jar) as browser, aiohttp.ClientSession() as agent:
        person = Person(browser, desk)
        await person.sign_in(link)
        for number in range(count):
            key = f"call-{number}"
            waiting = asyncio.ensure_future(_held(agent, urls["askfirst"], token, key))
            ballot = await person.ballot(await person.next(), "approve")
            pressed[key] = time.time()
            await person.cast(ballot, "")
            await waiting
        async with agent.get(urls["direct"].replace("/mcp", "/seen")) as answer:
            seen: dict[str, float] = await answer.json()
    return sorted(1000 * (seen[key] - at) for key, at in pressed.items())
