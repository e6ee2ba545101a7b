"""Trouble on order: for a method and its n-th call from now, what goes wrong, before Slack acts or after it."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.slack.values import Body

KINDS = ("429", "500", "503", "hang", "cut_before", "cut", "list", "html")
TOO_FAST: Body = {"ok": False, "error": "ratelimited"}
_HTML = "<!DOCTYPE html><html><body>Server Error</body></html>"


@dataclass(slots=True)
class Fault:
    """One order. `kind` is one of KINDS, `error:WORD`, `slow:SECONDS`, or any of these with `_after`: then Slack acts first."""

    method: str
    kind: str
    skip: int
    times: int
    retry_after: int

    @property
    def acts(self) -> bool:
        """Whether the call has its effect."""
        return self.kind.endswith("_after") or self.kind.startswith("slow:")

    @property
    def plain(self) -> str:
        """The kind without when."""
        return self.kind.removesuffix("_after").removesuffix("_before")

    @property
    def answer(self) -> Body:
        """What the app is told when Slack did not act."""
        return TOO_FAST if self.plain == "429" else {"ok": False, "error": self.plain[6:]} if self.plain.startswith("error:") else {}


@dataclass(slots=True)
class Faults:
    """All orders; the oldest that fits is taken."""

    _orders: list[Fault] = field(default_factory=list)

    def order(self, method: str, kind: str, *, nth: int, times: int, retry_after: int) -> None:
        """Take an order; `method` may be *, response_url or upload."""
        if kind.removesuffix("_after") not in KINDS and not kind.startswith(("error:", "slow:")):
            raise ValueError(f"There is no fault {kind!r}.")
        self._orders.append(Fault(method, kind, nth - 1, times, retry_after))

    def clear(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def next(self, method: str) -> Fault | None:
        """Count a call, and give what goes wrong with it."""
        for fault in self._orders:
            if fault.method not in (method, "*"):
                continue
            if fault.skip:
                fault.skip -= 1
            elif fault.times:
                fault.times -= 1
                return fault
        return None


async def go_wrong(fault: Fault, request: web.Request, response: web.Response, ended: asyncio.Event) -> web.StreamResponse:
    """Answer as ordered; `response` is what Slack would have said. A hanging call ends with the server."""
    plain, _, more = fault.plain.partition(":")
    if plain == "hang":
        await ended.wait()
    elif plain == "slow":
        await asyncio.sleep(float(more))
        return response
    return cut(request) if plain in ("hang", "cut") else _wrong(fault, plain, more)


def _wrong(fault: Fault, plain: str, more: str) -> web.Response:
    match plain:
        case "500" | "503" | "html":
            return web.Response(status=200 if plain == "html" else int(plain), text=_HTML, content_type="text/html")
        case "429":
            return too_many(fault.retry_after)
        case "error":
            return web.json_response({"ok": False, "error": more})
        case _:
            return web.json_response([{"ok": True}])


def too_many(seconds: int) -> web.Response:
    """Answer 429."""
    return web.json_response(TOO_FAST, status=429, headers={"Retry-After": str(seconds)})


def cut(request: web.Request) -> web.Response:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
