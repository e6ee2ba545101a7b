"""The section [servers.NAME]: the upstream MCP servers, reached by URL or started by command."""

import re

from bot.settings import keys
from bot.settings.listeners import web_url
from bot.settings.problems import KeyPath
from bot.settings.reading import Table
from bot.settings.references import HOW, Sources, is_reference, secret_name
from bot.settings.secret import Secret
from bot.settings.shapes import HttpServer, StdioServer

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\x80-\uffff]*")
_GATEWAY_OWNED = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "accept",
        "accept-encoding",
        "transfer-encoding",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "host",
    }
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def servers(root: Table, sources: Sources) -> dict[str, HttpServer | StdioServer]:
    """Read [servers.NAME]; one with a problem is left out."""
    found = {name: _server(name, table, sources) for name, table in root.table("servers").tables(keys.ENTRIES["servers"]).items()}
    return {name: server for name, server in found.items() if server is not None}


def _server(name: str, table: Table, sources: Sources) -> HttpServer | StdioServer | None:
    if ("url" in table) == ("command" in table):
        found = "both url and command; keep one" if "url" in table else "neither; write one"
        table.findings.problem(
            table.path,
            f'A server has a url, such as "http://127.0.0.1:9000/mcp", or a command, such as ["python", "server.py"]. Found {found}.',
        )
        return None
    if "url" in table:
        _only_with(table, "environment", "command")
        return _http(name, table, sources)
    _only_with(table, "headers", "url")
    words = table.texts("command", 'write a list of texts, such as ["python", "server.py"]', read=_word)
    if isinstance(table.values["command"], list) and not table.values["command"]:
        table.problem("command", 'Found an empty list; write a program and its arguments, such as ["python", "server.py"].')
    environment = _values(table.table("environment"), sources, header=False)
    return StdioServer(name=name, command=words, environment=environment, directory=sources.directory) if words else None


def _only_with(table: Table, key: str, other: str) -> None:
    if key in table:
        table.problem(key, f"It goes with `{other}` only. Remove it, or write a {other}.")


def _word(text: str) -> str:
    if "\0" in text:
        raise ValueError("Found a NUL character, which no program can be given. Remove it.")
    return text


def _http(name: str, table: Table, sources: Sources) -> HttpServer | None:
    headers = _values(table.table("headers"), sources, header=True)
    text = table.text("url", 'write a URL such as "http://127.0.0.1:9000/mcp"')
    if text is None:
        return None
    try:
        return HttpServer(name=name, url=web_url(text, path=True), headers=headers)
    except ValueError as error:
        table.problem("url", str(error))
        return None


def _values(table: Table, sources: Sources, *, header: bool) -> dict[str, Secret]:
    found: dict[str, Secret] = {}
    for name in table.values:
        text = table.text(name, "write a text in quotes")
        if text is None or not _good_name(table, name, header=header):
            continue
        secret = _value(table, name, text, sources)
        if secret is None:
            continue
        if (header and not _HEADER_VALUE.fullmatch(secret.reveal())) or "\0" in secret.reveal():
            table.problem(name, "Its value has characters that cannot be sent, such as a line break. Check where it comes from.")
            continue
        found[name] = secret
    return found


def _good_name(table: Table, name: str, *, header: bool) -> bool:
    if header and name.lower() in _GATEWAY_OWNED:
        table.problem(name, "The gateway sets this header itself. Remove it.")
    elif not (_HEADER if header else _VARIABLE).fullmatch(name):
        table.problem(name, f"This is no name for {'a header' if header else 'an environment variable'}. Correct it.")
    elif header and [other.lower() for other in table.values].count(name.lower()) > 1:
        table.problem(name, "This header is there twice, in different spelling. Keep one.")
    else:
        return True
    return False


def _value(table: Table, name: str, text: str, sources: Sources) -> Secret | None:
    path: KeyPath = (*table.path, name)
    if is_reference(text):
        return sources.secret(text, path)
    if secret_name(name):
        table.problem(name, f'Found a secret in plain text. {HOW}; a scheme may stand before it: "Bearer env:NAME".')
        return None
    return Secret(text)
