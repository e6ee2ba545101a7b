"""Reading a call of the Web API: by GET or POST, as a form or as JSON, with lists and objects as themselves or written as JSON."""

import json

from aiohttp import web

from tests.fakes.slack.values import Body, Refused

_WRITTEN = {
    "blocks": "invalid_blocks_format",
    "view": "invalid_arguments",
    "metadata": "invalid_metadata_format",
    "files": "invalid_arguments",
    "message": "invalid_arguments",
    "attachments": "invalid_arguments",
}


async def arguments(request: web.Request) -> Body:
    """Give all arguments of a call; raises what Slack answers to a body that cannot be read."""
    args: Body = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            args |= _object(await request.text())
        else:
            args |= dict(await request.post())
    for name, error in _WRITTEN.items():
        if isinstance(args.get(name), str) and args[name]:
            try:
                args[name] = json.loads(args[name])
            except ValueError:
                raise Refused(error) from None
    return args


def _object(text: str) -> Body:
    try:
        read = json.loads(text or "{}")
    except ValueError:
        raise Refused("invalid_json") from None
    if not isinstance(read, dict):
        raise Refused("json_not_object")
    return read


def token(request: web.Request, args: Body) -> str | None:
    """Find the token of a call."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and value:
        return value.strip()
    given = args.get("token")
    return given if isinstance(given, str) else None
