"""A Slack to test against: a real HTTP and WebSocket server that behaves as Slack does and refuses what Slack refuses."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.fakes.slack import hooks
from tests.fakes.slack.acting import Acting
from tests.fakes.slack.care import careless
from tests.fakes.slack.chat import CHAT
from tests.fakes.slack.conversations import CONVERSATIONS
from tests.fakes.slack.faults import TOO_FAST, Faults, cut, go_wrong, too_many
from tests.fakes.slack.files import FILES
from tests.fakes.slack.gate import admit
from tests.fakes.slack.people import PEOPLE
from tests.fakes.slack.rates import Rates, TooFast
from tests.fakes.slack.reading import arguments, token
from tests.fakes.slack.state import Workspace
from tests.fakes.slack.values import Answer, Body, Call, Message, Refused
from tests.fakes.slack.views import VIEWS

_METHODS: Mapping[str, Callable[[Workspace, Body], Body]] = {**CHAT, **CONVERSATIONS, **PEOPLE, **VIEWS, **FILES}
_NARROW_READS = ("conversations.history", "conversations.replies")


@dataclass(slots=True, repr=False)
class FakeSlack(Acting):
    """A Slack workspace on 127.0.0.1: `async with FakeSlack() as slack`, then point an app at `slack.api_url`."""

    rates: Rates = field(default_factory=Rates)
    faults: Faults = field(default_factory=Faults)
    _down: bool = False
    _runner: web.AppRunner | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def api_url(self) -> str:
        """Where the Web API is, with a slash at its end."""
        return f"{self.address}/api/"

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application(client_max_size=2**25)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/hooks/actions/{name:.+}", self._hook)
        app.router.add_post("/upload/v1/{name}", self._upload)
        app.router.add_get("/link/", self._link)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.address = f"http://{host}:{port}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop, and let every hanging call go."""
        del kind, error, trace
        self._ended.set()
        await self.delivery.close()
        self.sockets.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    # Trouble

    def fault(self, method: str, *, nth: int = 1, times: int = 1, kind: str, retry_after: int = 30) -> None:
        """Let the n-th call of a method from now go wrong, `times` in a row; `method` may be response_url, upload or *. See `faults`."""
        self.faults.order(method, kind, nth=nth, times=times, retry_after=retry_after)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self.faults.clear()

    def outage(self) -> None:
        """Be gone: every connection is cut, and none is taken."""
        self._down = True
        self.sockets.drop()

    def recover(self) -> None:
        """Be there again."""
        self._down = False

    # Sockets

    def drop_sockets(self) -> None:
        """Cut every socket."""
        self.sockets.drop()

    def stall_sockets(self, *, new: bool = False, mute: bool = False) -> None:
        """Deliver nothing over the sockets that there are; `new`: nor over those to come; `mute`: nor answer pings."""
        self.sockets.stall(new=new, mute=mute)

    def revive_sockets(self) -> None:
        """Let stalled sockets deliver again."""
        self.sockets.revive()

    def refuse_handshakes(self, times: int) -> None:
        """Let so many WebSocket handshakes fail; their addresses are used up."""
        self.sockets.refusals = times

    async def warn_disconnect(self, reason: str = "warning") -> None:
        """Tell every socket that it ends soon: warning, or refresh_requested and link_disabled, which end it."""
        await self.sockets.disconnect(reason)

    async def connected(self, number: int = 1, *, within: float = 5.0) -> None:
        """Wait until the app has so many sockets."""
        async with asyncio.timeout(within):
            await self.sockets.connected(number)

    # Delivery

    @property
    def transport(self) -> str:
        """How payloads reach the app: "socket" or "http"."""
        return self.delivery.transport

    @transport.setter
    def transport(self, value: str) -> None:
        self.delivery.transport = value

    @property
    def request_url(self) -> str:
        """Where the app takes payloads over HTTP."""
        return self.delivery.request_url

    @request_url.setter
    def request_url(self, value: str) -> None:
        self.delivery.request_url = value

    @property
    def deliver_twice(self) -> bool:
        """Whether every payload comes twice."""
        return self.delivery.twice

    @deliver_twice.setter
    def deliver_twice(self, value: bool) -> None:
        self.delivery.twice = value

    def hold_deliveries(self) -> None:
        """Hold back what Slack sends, until it is released."""
        self.delivery.hold()

    async def release_deliveries(self, *, reverse: bool = False) -> None:
        """Send what was held back, one after the other; `reverse`: in the wrong order."""
        await self.delivery.release(reverse=reverse)

    # Answers

    def careless(self, *values: str) -> list[str]:
        """Say what the app did that Slack lets it do and it must not; `values` are words of arguments. See `care`."""
        return careless(self.calls, *values)

    def called(self, method: str) -> list[Call]:
        """Give the calls of one method."""
        return [call for call in self.calls if call.method == method]

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]

        def act(args: Body) -> tuple[Body, web.Response]:
            answer = self._handle(method, token(request, args), args)
            return answer, self._write(answer)

        return await self._through(request, method, arguments, act)

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        def act(args: Body) -> tuple[Body, web.Response]:
            try:
                return hooks.answer(self, request.match_info["name"], args), web.Response(text="ok")
            except Refused as refused:
                return refused.answer, web.json_response(refused.answer, status=404)

        return await self._through(request, "response_url", arguments, act)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()

        def act(args: Body) -> tuple[Body, web.Response]:
            del args
            file = self.files.get(request.match_info["name"])
            if file is None or file.content is not None:
                return {"ok": False}, web.Response(status=404)
            file.content = content
            return {"ok": True}, web.Response(text=f"OK - {len(content)}")

        async def nothing(request: web.Request) -> Body:
            return {"size": len(content), "path": request.path}

        return await self._through(request, "upload", nothing, act)

    async def _through(
        self,
        request: web.Request,
        method: str,
        read: Callable[[web.Request], Awaitable[Body]],
        act: Callable[[Body], tuple[Body, web.Response]],
    ) -> web.StreamResponse:
        """Read a call and act on it, or go wrong as ordered; and keep it in the log."""
        if self._down:
            return cut(request)
        fault = self.faults.next(method)
        args: Body = {}
        answer: Body = {}
        response = self._write(answer)
        try:
            args = await read(request)
            if fault is None or fault.acts:
                answer, response = act(args)
        except Refused as refused:
            answer, response = refused.answer, self._write(refused.answer)
        except TooFast as fast:
            answer, response = TOO_FAST, too_many(fast.seconds)
        if fault is not None:
            answer = {**fault.answer, **answer, "fault": fault.kind}
        self._note(method, args, answer, request)
        return response if fault is None else await go_wrong(fault, request, response, self._ended)

    def _note(self, method: str, args: Body, answer: Body, request: web.Request) -> None:
        kept = {name: item for name, item in args.items() if name != "token"}
        headers = {name: item for name, item in request.headers.items() if name.lower() != "authorization"}
        self.calls.append(Call(method, kept, self.now, answer, headers))

    def _write(self, answer: Body) -> web.Response:
        headers = {
            "Date": format_datetime(self.now, usegmt=True),
            "X-OAuth-Scopes": ",".join(sorted(self.scopes)),
            "X-Slack-Req-Id": f"{self.number():032x}",
        }
        return web.json_response(answer, headers=headers)

    def _handle(self, method: str, given: str | None, args: Body) -> Body:
        rule = admit(self, method, given)
        if self.rate_limits:
            now = self.now.timestamp()
            narrow = self.history_limited and method in _NARROW_READS
            self.rates.method(method, 1 if narrow else rule.per_minute, now)
            if method == "chat.postMessage" and args.get("channel"):
                self.rates.channel(self.identify(str(args["channel"])), now)
        if method == "apps.connections.open":
            return {"ok": True, "url": f"{self.address.replace('http', 'ws', 1)}/link/?ticket={self.sockets.ticket()}&app_id={self.app_id}"}
        answer = {"ok": True, **_METHODS[method](self, args)}
        if "upload_url" in answer:
            answer["upload_url"] = f"{self.address}{answer['upload_url']}"
        return answer

    async def _link(self, request: web.Request) -> web.StreamResponse:
        return cut(request) if self._down else await self.sockets.serve(request)


__all__ = ["Answer", "Call", "FakeSlack", "Message"]
