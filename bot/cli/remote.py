"""The desk from afar: the same words as over the database, asked for with a personal token.

The token goes to loopback or over TLS, to the URL that was given and nowhere else: a redirect is not followed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from itertools import islice
from urllib.error import HTTPError
from urllib.parse import SplitResult, quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from workflows.calls import JSON, parse_json
from workflows.errors import AskfirstError, Malformed

_PATIENCE = 20
_MOST = 64 * 1024 * 1024
_DEEP = 1000


class DeskUnreachable(AskfirstError):
    """The desk cannot be reached. Check its URL, and that `askfirst serve` runs."""

    code = "desk_unreachable"


class DeskRefused(AskfirstError):
    """The desk refused."""

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.code = code  # type: ignore[misc]  # the desk's own code goes on as it came


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing: what the desk sends elsewhere is an error here."""


def loopback(host: str | None) -> bool:
    """Tell whether a host is this machine."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


class Remote:
    """The desk's JSON interface at a URL, as the person of a token."""

    def __init__(self, url: str, token: str | None) -> None:
        parts = _parts(url)
        if parts.scheme == "http" and not loopback(parts.hostname):
            raise DeskUnreachable("A token is not sent over plain http to another machine. Write an https URL.")
        if not token:
            raise DeskUnreachable("ASKFIRST_TOKEN is not set. Mint a personal token: askfirst desk token --as local:NAME")
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise DeskUnreachable("ASKFIRST_TOKEN holds characters that no token has. Set it to the token, and nothing else.")
        self._url = url.rstrip("/")
        self._token = token
        proxies = (ProxyHandler({}),) if loopback(parts.hostname) else ()
        self._opener = build_opener(_Stay, *proxies)

    def listing(self, states: Sequence[str], *, limit: int) -> list[dict[str, JSON]]:
        """Give summaries of the newest `limit` requests in each of these states; "" is any state."""
        return [one for state in states for one in islice(self._pages(state), limit)]

    def _pages(self, state: str) -> Iterator[dict[str, JSON]]:
        before: JSON = ""
        while isinstance(before, str):
            search = {name: value for name, value in (("state", state), ("before", before)) if value}
            page = self._object("GET", f"/api/requests?{urlencode(search)}")
            found = page.get("requests")
            yield from (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()
            before = page.get("before")

    def one(self, request_id: str) -> dict[str, JSON]:
        """Give one request with everything."""
        return self._object("GET", f"/api/requests/{quote(request_id, safe='')}")

    def act(self, request_id: str, verb: str, reason: str | None) -> dict[str, JSON]:
        """Approve, deny or cancel, and give the request as it is then."""
        return self._object("POST", f"/api/requests/{quote(request_id, safe='')}/{verb}", {"reason": reason})

    def _object(self, method: str, path: str, body: Mapping[str, JSON] | None = None) -> dict[str, JSON]:
        found = self._ask(method, path, body)
        if not isinstance(found, dict):
            raise DeskUnreachable("What answers there is no desk of Askfirst. Check the URL.")
        return found

    def _ask(self, method: str, path: str, body: Mapping[str, JSON] | None = None) -> JSON:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", "Content-Type": "application/json"}
        request = Request(self._url + path, data=data, method=method, headers=headers)  # noqa: S310  # http(s) only, checked above
        try:
            with self._opener.open(request, timeout=_PATIENCE) as response:
                return _read(response)
        except HTTPError as error:
            with error:
                raise _refusal(error) from None
        except (OSError, HTTPException) as error:
            raise DeskUnreachable(f"The desk at {self._url} cannot be reached: {getattr(error, 'reason', error)}.") from error


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        raise DeskUnreachable(f"{url[:100]!r} is no URL of a desk. Write one such as http://127.0.0.1:8081")
    return parts


def _read(response: "HTTPResponse | HTTPError") -> JSON:
    try:
        return parse_json(response.read(_MOST), max_depth=_DEEP)
    except Malformed as error:
        raise DeskUnreachable("What answers there is no desk of Askfirst. Check the URL.") from error


def _refusal(error: HTTPError) -> AskfirstError:
    try:
        told = _read(error)
    except DeskUnreachable as unreadable:
        return unreadable
    inside = told.get("error") if isinstance(told, dict) else None
    if isinstance(inside, dict) and isinstance(inside.get("message"), str) and isinstance(inside.get("code"), str):
        return DeskRefused(str(inside["message"]), str(inside["code"]))
    return DeskUnreachable(f"The desk answered with the status {error.code}. Check the URL.")
