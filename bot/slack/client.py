"""The one way to the Web API: a client that nothing in the environment changes, and every failure as a Trouble of a known kind.

Nothing is sent twice by itself: a post that was cut off may exist, and whoever posted decides what to do about it.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, ClassVar

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.settings import SlackSettings
from workflows.errors import AskfirstError

_TIMEOUT = 5  # seconds for a whole call; whoever clicked waits for it
_CONNECT = 3
_IDLE = 10  # seconds that a connection is kept: one that Slack closes first would make the next post an uncertain one
_LONGEST_PAUSE = 600.0


class TroubleKind(StrEnum):
    """What a failure means for whoever called."""

    RATE = "rate"  # too many calls: not done, try again after `retry_after` seconds
    TRANSIENT = "transient"  # not done, or done and harmless to do again: try again
    AMBIGUOUS = "ambiguous"  # it may have been posted
    GONE = "gone"  # there is no such message any more, or it can no longer be changed
    PLACE = "place"  # this channel or person takes no message
    BLOCKS = "blocks"  # what was drawn is refused
    AUTH = "auth"  # the token does not count, or not for this
    OTHER = "other"


class Trouble(AskfirstError):
    """Slack did not do what it was asked. Try again later."""

    code: ClassVar[str] = "slack_trouble"

    def __init__(self, kind: TroubleKind, error: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"Slack did not do what it was asked ({error}). Try again later.")
        self.kind, self.error, self.retry_after = kind, error, retry_after


def client(settings: SlackSettings) -> AsyncWebClient:
    """Make a client with a session of its own, inside the running event loop; `close` it in the end."""
    made = bare(settings.bot_token.reveal(), settings.api_url)
    made.session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_TIMEOUT, sock_connect=_CONNECT),
        connector=aiohttp.TCPConnector(keepalive_timeout=_IDLE),
        trust_env=False,
    )
    return made


def bare(token: str, api_url: str) -> AsyncWebClient:
    """Make a client that opens a session for each call."""
    quiet = logging.getLogger("bot.slack.web")
    quiet.setLevel(logging.INFO)  # below that the SDK writes what it sends
    made = AsyncWebClient(token=token, base_url=api_url.rstrip("/") + "/", timeout=_TIMEOUT, logger=quiet, retry_handlers=[])
    made.proxy = None  # the SDK takes one from the environment
    return made


async def close(client: AsyncWebClient) -> None:
    """Let go of its connections."""
    if client.session is not None:
        await client.session.close()


async def call(method: Callable[..., Awaitable[AsyncSlackResponse]], *, writes: bool = False, **args: Any) -> AsyncSlackResponse:  # noqa: ANN401  # the method's own
    """Call a method of the client; raises Trouble and nothing else. `writes` when doing it twice would show twice."""
    maybe = TroubleKind.AMBIGUOUS if writes else TroubleKind.TRANSIENT
    try:
        return await method(**args)
    except SlackClientError as error:
        raise _refused(getattr(error, "response", None), maybe) from None  # its text quotes what Slack answered
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise Trouble(TroubleKind.TRANSIENT, type(error).__name__) from None  # nothing was sent
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Trouble(maybe, type(error).__name__) from None
    except (AttributeError, TypeError, ValueError, LookupError) as error:  # how the SDK answers to JSON that is no object, or no JSON
        raise Trouble(maybe, f"unreadable answer, {type(error).__name__}") from None


def _refused(response: object, maybe: TroubleKind) -> Trouble:
    """Read what Slack refused, from the SDK's answer or from aiohttp's where the SDK could not read it."""
    data = getattr(response, "data", None)
    status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    said = data.get("error") if isinstance(data, Mapping) else None
    error = said if isinstance(said, str) and said.isascii() and said.isprintable() else ""
    if status == _TOO_MANY or error in _RATE:
        return Trouble(TroubleKind.RATE, error or "ratelimited", retry_after=_pause(getattr(response, "headers", None)))
    if error in _KINDS:
        return Trouble(_KINDS[error], error)
    if error.startswith("restricted_action"):
        return Trouble(TroubleKind.PLACE, error)
    if error in _MAYBE or status >= _SERVER_ERROR or (not error and status < _REFUSED):
        return Trouble(maybe, error or f"HTTP {status}")
    if not error:  # a proxy, or an address that is no Slack: whatever it is, it did not take the call
        return Trouble(TroubleKind.TRANSIENT, f"HTTP {status}")
    return Trouble(TroubleKind.OTHER, error[:100])


def _pause(headers: object) -> float:
    """Give the seconds of Retry-After, at least one."""
    asked = headers.get("Retry-After") if isinstance(headers, Mapping) else None
    try:
        return min(max(float(str(asked)), 1.0), _LONGEST_PAUSE)
    except ValueError:
        return 1.0


_TOO_MANY, _REFUSED, _SERVER_ERROR = 429, 400, 500
_RATE = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_MAYBE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "timeout"})
_ERRORS: Mapping[TroubleKind, tuple[str, ...]] = {
    TroubleKind.GONE: ("message_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "thread_not_found"),
    TroubleKind.PLACE: (
        "cannot_dm_bot",
        "cannot_reply_to_message",
        "channel_not_found",
        "is_archived",
        "messages_tab_disabled",
        "not_in_channel",
        "user_disabled",
        "user_not_found",
        "user_not_visible",
    ),
    TroubleKind.BLOCKS: (
        "block_mismatch",
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
    ),
    TroubleKind.AUTH: (
        "access_denied",
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    ),
}
_KINDS: Mapping[str, TroubleKind] = {error: kind for kind, errors in _ERRORS.items() for error in errors}
