"""The sections [gateway] and [desk]: where Askfirst listens, to whom, and within which bounds."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from bot.settings import keys
from bot.settings.reading import Table
from bot.settings.shapes import Address, DeskSettings, GatewaySettings

_HOSTNAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")
MIB = 1024 * 1024
MAX_PORT = 65535


def address(text: str) -> Address:
    """Read `host:port`; raises ValueError with a sentence."""
    right = 'write "host:port", such as "127.0.0.1:8080" or "[::1]:8080"'
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ValueError(f"Found {text!r}; {right}.")
    if not (port.isascii() and port.isdigit()) or int(port[:6]) > MAX_PORT:
        raise ValueError(f"Found the port {port!r}; it is a number from 0 (any free one) to {MAX_PORT}.")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not is_host(bare) or (":" in bare) != (bare != host):
        raise ValueError(f"Found the host {host!r}; {right}.")
    return Address(bare.lower(), int(port))


def is_host(text: str) -> bool:
    """Tell whether a text is an IP address or could be a host's name."""
    try:
        ip_address(text)
    except ValueError:
        return bool(_HOSTNAME.fullmatch(text)) and not text.replace(".", "").isdigit()
    return True


def web_url(text: str, *, path: bool) -> str:
    """Check an http(s) URL without user, query and fragment, and without a path unless `path`; raises ValueError with a sentence."""
    parts = urlsplit(text)
    try:
        good = (
            parts.scheme in {"http", "https"} and parts.hostname is not None and is_host(parts.hostname) and (parts.port or 1) <= MAX_PORT
        )
    except ValueError:
        good = False
    if not good or any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError(f'Found {text!r}; write a URL such as "https://askfirst.example.com".')
    if parts.username is not None or parts.password is not None:
        raise ValueError("Found a URL with a user or password in it; put the credential into `headers`.")
    if parts.fragment or (not path and (parts.path.strip("/") or parts.query)):
        raise ValueError(f"Found {text!r}; write it without {'a fragment' if path else 'anything after the host'}.")
    return text


def _origin(text: str) -> str:
    return web_url(text, path=False).rstrip("/").lower()


def _host(text: str) -> str:
    name, colon, port = text.rpartition(":")
    plain = text if not colon or text.endswith("]") else name
    bare = plain[1:-1] if plain.startswith("[") and plain.endswith("]") else plain
    if not is_host(bare) or (plain != text and not port.isdecimal()):
        raise ValueError(f'Found {text!r}; write a host such as "mcp.example.com" or "mcp.example.com:8080", without a scheme.')
    return text.lower()


def _listen(table: Table, default: str) -> Address:
    text = table.text("listen", f'write "host:port", such as "{default}"')
    if text is not None:
        try:
            return address(text)
        except ValueError as error:
            table.problem("listen", str(error))
    return address(default)


def gateway(table: Table) -> GatewaySettings:
    """Read [gateway]."""
    listen = _listen(table, "127.0.0.1:8080")
    allowed_hosts = table.texts("allowed_hosts", 'write a list of hosts, such as ["mcp.example.com"]', read=_host)
    if not listen.loopback and not allowed_hosts:
        table.note(
            "allowed_hosts",
            f"The gateway listens on {listen}, and only loopback names are accepted as Host. List the names that agents use.",
        )
    return GatewaySettings(
        listen=listen,
        allowed_hosts=allowed_hosts,
        allowed_origins=table.texts("allowed_origins", 'write a list of origins, such as ["https://app.example.com"]', read=_origin),
        max_body_bytes=table.whole("max_body_bytes", default=4 * MIB, least=1024, most=256 * MIB),
        max_depth=table.whole("max_depth", default=64, least=4, most=200),
        max_header_bytes=table.whole("max_header_bytes", default=16 * 1024, least=1024, most=MIB),
        hold_budget_seconds=table.number("hold_budget_seconds", default=50.0, least=0, most=3600),
        connect_timeout_seconds=table.number("connect_timeout_seconds", default=10.0, least=0.1, most=300),
        upstream_timeout_seconds=table.number("upstream_timeout_seconds", default=300.0, least=0.1, most=86400),
        max_pending_per_grant=table.whole("max_pending_per_grant", default=100, least=1, most=100_000),
    )


def desk(table: Table) -> DeskSettings:
    """Read [desk]. Beyond loopback it must be allowed in so many words: whoever reaches the desk reaches the place where people decide."""
    listen = _listen(table, "127.0.0.1:8081")
    allow_remote = table.flag("allow_remote", default=False)
    if not listen.loopback and not allow_remote:
        table.problem(
            "listen",
            f'Found "{listen}", which other machines can reach; write "127.0.0.1:{listen.port}", '
            "or set allow_remote = true when a proxy with TLS stands in front of the desk.",
        )
    text = table.text("public_url", 'write the URL that people open, such as "https://askfirst.example.com"')
    public_url = f"http://{listen}"
    if text is not None:
        try:
            public_url = _origin(text)
        except ValueError as error:
            table.problem("public_url", str(error))
    elif not listen.loopback:
        table.note("public_url", f"Links to the desk will say {public_url}. Set public_url to what people can open.")
    return DeskSettings(
        listen=listen,
        public_url=public_url,
        allow_remote=allow_remote,
        session_hours=table.number("session_hours", default=12.0, least=0.05, most=720),
    )


def apart(gateway_settings: GatewaySettings, desk_table: Table, desk_settings: DeskSettings) -> None:
    """Check that the two listeners do not meet: agents and people use separate ones."""
    one, other = gateway_settings.listen, desk_settings.listen
    if one.port and one.port == other.port:
        desk_table.problem("listen", f"Found the gateway's port {one.port}; give the desk another one, such as {other.port + 1}.")


def sections(root: Table) -> tuple[GatewaySettings, DeskSettings]:
    """Read both, and check them together."""
    gateway_settings = gateway(root.table("gateway", keys.SECTIONS["gateway"]))
    table = root.table("desk", keys.SECTIONS["desk"])
    desk_settings = desk(table)
    apart(gateway_settings, table, desk_settings)
    return gateway_settings, desk_settings
