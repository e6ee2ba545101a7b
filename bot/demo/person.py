"""Plays the person in `askfirst demo --auto`: through the real desk, over HTTP, with its forms and their CSRF tokens."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import aiohttp

from bot.demo.stage import DemoFailed

_REQUEST = re.compile(r"apr_[A-Za-z0-9_-]+")
_PAUSE = 0.1


@dataclass(slots=True)
class Form:
    """A form of a page: where it posts to, what it already holds, and its buttons as (name, value)."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = facts.get("method", "get").lower() == "post"
            if self._open:
                self.found.append(Form(facts.get("action", "")))
        elif self._open and facts.get("name"):
            if tag == "button" or facts.get("type") == "submit":
                self.found[-1].buttons.append((facts["name"], facts.get("value", "")))
            elif tag in ("input", "textarea"):
                self.found[-1].fields[facts["name"]] = facts.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


def forms(html: str) -> list[Form]:
    """Find the forms that post something."""
    parser = _Forms()
    parser.feed(html)
    return parser.found


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote that is ready to be sent."""

    url: str
    values: Mapping[str, str]


class Person:
    """Somebody at the desk with a browser's cookies."""

    def __init__(self, session: aiohttp.ClientSession, desk: str) -> None:
        self._session = session
        self._desk = desk
        self._read: set[str] = set()

    async def _page(self, url: str) -> tuple[str, str]:
        async with self._session.get(url) as answer:
            if not answer.ok:
                raise DemoFailed(f"The desk answered {answer.status} to {answer.url.path}.")
            return str(answer.url), await answer.text()

    async def _post(self, url: str, values: Mapping[str, str]) -> None:
        async with self._session.post(url, data=values, headers={"Origin": self._desk}) as answer:
            await answer.read()
            if not answer.ok:
                raise DemoFailed(f"The desk answered {answer.status} to a form of {answer.url.path}.")

    async def sign_in(self, link: str) -> None:
        """Use the one-time link; where it shows a page that asks to go on, go on."""
        page, html = await self._page(link)
        for form in forms(html):
            if any(len(value) >= 16 and value in link for value in form.fields.values()):  # noqa: PLR2004  # long enough to be the link's secret
                await self._post(urljoin(page, form.action), form.fields)

    async def next(self) -> str:
        """Wait for the id of a request in the inbox that was not read before."""
        while True:
            _, html = await self._page(f"{self._desk}/")
            waiting = [found for found in _REQUEST.findall(html) if found not in self._read]
            if waiting:
                return str(waiting[0])
            await asyncio.sleep(_PAUSE)

    async def ballot(self, request_id: str, choice: str) -> Ballot:
        """Read a request's page and find the form that approves or denies it."""
        page, html = await self._page(f"{self._desk}/requests/{request_id}")
        self._read.add(request_id)
        for form in forms(html):
            buttons = [button for button in form.buttons if button[1] == choice]
            if buttons or form.action.endswith(f"/{choice}"):
                return Ballot(urljoin(page, form.action), {**form.fields, **dict(buttons)})
        raise DemoFailed(f"The desk shows no way to {choice} {request_id}.")

    async def cast(self, ballot: Ballot, reason: str) -> None:
        """Send a ballot with a reason."""
        await self._post(ballot.url, {**ballot.values, "reason": reason})
