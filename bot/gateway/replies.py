"""The gateway's own answers over HTTP."""

from aiohttp import web

from bot import mcp

UNAVAILABLE = -31005  # the JSON-RPC code of a message that could not be served just now


def json_response(body: bytes, status: int = 200) -> web.Response:
    """Answer with one JSON body."""
    return web.Response(body=body, status=status, content_type="application/json")


def refusal(status: int, sentence: str, **headers: str) -> web.Response:
    """Refuse an HTTP request before any message of it was read."""
    response = json_response(mcp.error(None, -32600, sentence), status)
    response.headers.update(headers)
    return response


class Turned(Exception):
    """A refusal on its way out of a check: of an HTTP request, before any message of it was read."""

    def __init__(self, status: int, sentence: str, *, agent: str | None = None, **headers: str) -> None:
        super().__init__(sentence)
        self.sentence, self.agent = sentence, agent
        self.response = refusal(status, sentence, **headers)
