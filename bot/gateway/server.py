"""The listener for agents: who is calling, from where, with what size; then the message goes to `tools` or is relayed."""

import logging
import re
from functools import lru_cache, partial
from itertools import chain

from aiohttp import web

from bot import mcp
from bot.gateway import relay, tools
from bot.gateway.context import GatewayContext
from bot.gateway.replies import UNAVAILABLE, Turned, json_response, refusal
from bot.mcp import Era, Kind, Message
from bot.mcp.eras import INVALID_REQUEST
from workflows.audit import Entry, Tag
from workflows.calls import JSON
from workflows.errors import AskfirstError
from workflows.tables import Grant

log = logging.getLogger(__name__)

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_METHOD = re.compile(r"[!-~]+")
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
_PLACE = re.compile(r"(\[[0-9a-f:.]+\]|[^][:/?#@\\\s]+)(?::[0-9]{1,5})?")
_SERVER = re.compile(r"/mcp/([a-z0-9][a-z0-9_.-]*)/?")


def build(context: GatewayContext, *, shutdown_timeout: float = 5.0) -> web.ServerRunner:
    """Make the server: `POST /mcp/<server>/` for messages, GET and DELETE there for the sessions of the legacy era, `/health`.

    It has these paths only, so it goes without an application's router. An agent that breaks off cancels what answers it.
    """
    server = web.Server(partial(_listen, context), handler_cancellation=True, access_log=None)
    return web.ServerRunner(server, handle_signals=False, shutdown_timeout=shutdown_timeout)


async def _listen(context: GatewayContext, http: web.BaseRequest) -> web.StreamResponse:
    """Translate one HTTP request; every refusal is a JSON-RPC error with a sentence, and nothing of it was forwarded."""
    grant: Grant | None = None
    try:
        place = _SERVER.fullmatch(http.raw_path.partition("?")[0])
        if place is None:
            return _elsewhere(context, http)
        grant = _admit(context, http, place[1])
        return await _serve(context, http, grant)
    except Turned as turned:
        _note_refusal(context, http, turned.sentence, tag=Tag.AGENT_REFUSED, agent=turned.agent)
        return turned.response
    except mcp.Refused as refused:
        _note_refusal(context, http, str(refused), tag=Tag.CALL_REFUSED, agent=grant.label if grant else None)
        return json_response(refused.body, refused.status)
    except ConnectionError:
        return web.Response(status=499)  # the agent is gone: nobody reads this


def _elsewhere(context: GatewayContext, http: web.BaseRequest) -> web.Response:
    if http.raw_path == "/health":
        more = {} if context.slack is None else {"slack": "ok" if context.slack() else "down"}
        return web.json_response({"status": "ok", **more})
    return refusal(404, "There is nothing here. Agents POST to /mcp/<server>/.")


async def _serve(context: GatewayContext, http: web.BaseRequest, grant: Grant) -> web.StreamResponse:
    if http.method in {"GET", "DELETE"}:
        return await relay.other(context, http, grant)
    if http.method != "POST":
        return refusal(405, "Use POST for messages, GET and DELETE for sessions.", Allow="POST, GET, DELETE")
    body = await _body(http, grant, context.settings.max_body_bytes)
    message = mcp.parse(body, http.headers.items(), max_depth=context.settings.max_depth)
    try:
        return await _route(context, http, grant, message, body)
    except mcp.Refused:
        raise
    except AskfirstError as error:
        log.warning("a message could not be served: %s", error)
        return json_response(mcp.error(message.id, UNAVAILABLE, str(error)))


async def _body(http: web.BaseRequest, grant: Grant, most: int) -> bytes:
    """Read a message as it was sent. A coding would be a second reading of the bytes that are judged, so there is none."""
    if any(coding.lower() != "identity" for coding in http.headers.getall("Content-Encoding", ())):
        raise Turned(415, "The message is compressed. Send it without a Content-Encoding.", agent=grant.label)
    length = http.content_length
    if http.headers.get("Expect", "").lower() == "100-continue" and (length or 0) <= most:
        await http.writer.write(_GO_ON)
        http.writer.output_size = 0  # the answer itself has not begun
    if length is not None and length <= most:
        return await http.content.read()  # the length is kept by the one who reads the socket
    found = bytearray()
    if length is None:
        async for portion in http.content.iter_any():
            found += portion
            if len(found) > most:
                break
        else:
            return bytes(found)
    raise Turned(413, f"The message is larger than {most} bytes. Send a smaller one.", agent=grant.label)


async def _route(context: GatewayContext, http: web.BaseRequest, grant: Grant, message: Message, body: bytes) -> web.StreamResponse:
    if message.call is not None:
        return await tools.judge(context, http, grant, message, body)
    if message.method is not None and (message.method.lower() == "tools/call" or not _METHOD.fullmatch(message.method)):
        raise mcp.Refused(INVALID_REQUEST, "A server could take this `method` for another one. Write it exactly.", message.id)
    if message.method == "notifications/cancelled" and message.kind is Kind.NOTIFICATION and message.era is Era.LEGACY:
        named = message.params.get("requestId")
        if isinstance(named, str | int) and not isinstance(named, bool):
            session_id = http.headers.get("Mcp-Session-Id", "")
            if context.waiters.cancel((grant.id, session_id, named)):
                return web.Response(status=202)
    if message.kind is Kind.RESPONSE and message.era is Era.MODERN:
        raise mcp.Refused(INVALID_REQUEST, "No server asks anything in this protocol version, so nothing answers it.", message.id)
    return await relay.post(context, http, grant, message, body)


def _admit(context: GatewayContext, http: web.BaseRequest, server: str) -> Grant:
    """Check where the request comes from and whose it is; a grant opens its own server and no other."""
    _check_origin(context, http)
    lines = b"".join(chain.from_iterable(http.raw_headers))
    if len(lines) > context.settings.max_header_bytes:
        raise Turned(431, f"The headers are larger than {context.settings.max_header_bytes} bytes. Send fewer.")
    if not lines.isascii() and not _is_text(lines):
        raise Turned(400, "A header is not UTF-8, so it would reach the server as another one. Send ASCII.")
    scheme, _, token = http.headers.get("Authorization", "").partition(" ")
    grant = context.grants.find(token.strip()) if scheme.lower() == "bearer" else None
    if grant is None:
        sentence = "The grant token is missing, unknown or revoked. Send Authorization: Bearer <grant token>."
        raise Turned(401, sentence, **{"WWW-Authenticate": 'Bearer realm="askfirst"'})
    if grant.server != server:
        raise Turned(403, "This grant is for another server. Use the URL that came with it.", agent=grant.label)
    session_ids = http.headers.getall("Mcp-Session-Id", ())
    if len(session_ids) > 1:
        raise Turned(400, "The header Mcp-Session-Id stands there twice. Send it once.", agent=grant.label)
    if any(context.sessions.foreign(grant, session_id) for session_id in session_ids):
        raise Turned(404, "This session has ended. Send `initialize` again.", agent=grant.label)
    return grant


def _check_origin(context: GatewayContext, http: web.BaseRequest) -> None:
    """A page in a browser must not reach the gateway through a name that it controls."""
    host = (http.headers.get("Host") or "").lower()
    name = _hostname(host)
    allowed = context.settings.allowed_hosts
    if name not in _LOOPBACK and host not in allowed and name not in allowed:
        raise Turned(421, "This host name is not served here. Add it to gateway.allowed_hosts.")
    origin = http.headers.get("Origin")
    if origin is None or origin.lower() in context.settings.allowed_origins:
        return
    if _hostname(origin.partition("://")[2]) not in _LOOPBACK:
        raise Turned(403, "Requests from this origin are not accepted. Add it to gateway.allowed_origins.")


@lru_cache(maxsize=1024)
def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _hostname(place: str) -> str:
    """The host in `host[:port]`; none where readers could differ about it."""
    found = _PLACE.fullmatch(place.lower())
    return found[1].strip("[]") if found else ""


def _note_refusal(context: GatewayContext, http: web.BaseRequest, why: str, *, tag: Tag, agent: str | None = None) -> None:
    """Tell the audit trail of a refused message; a flood of them is told once a second, with their number."""
    suppressed = context.refusals.count(agent or "", context.clock())
    if suppressed is None:
        return
    detail: dict[str, JSON] = {"why": why, "from": http.remote or "", "path": http.path[:200], "suppressed": suppressed}
    try:
        context.recorder.note(Entry(tag, f"agent:{agent}" if agent else "agent:unknown", context.clock(), agent=agent, detail=detail))
    except AskfirstError as error:
        log.warning("a refusal could not be audited: %s", error)
