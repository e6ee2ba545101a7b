"""The section [slack]: where held calls are shown, who administers groups there, and how Slack reaches Askfirst."""

import re
from urllib.parse import urlsplit

from bot.settings import keys
from bot.settings.listeners import address, web_url
from bot.settings.reading import Table, shown
from bot.settings.references import Sources, is_reference
from bot.settings.secret import Secret
from bot.settings.shapes import Address, SlackMode, SlackSettings
from workflows.people import parse_person

SLACK_API = "https://slack.com/api/"
DEFAULT_COMMAND = "/askfirst"
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,30}|#[^\s#@,:]{1,80}")
_COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")
_LISTEN = "127.0.0.1:8082"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def slack(root: Table, sources: Sources) -> SlackSettings | None:
    """Read [slack]; None when there is no such section: then people decide at the desk and on the command line."""
    if "slack" not in root:
        return None
    table = root.table("slack", keys.SECTIONS["slack"])
    mode = table.choice("mode", SlackMode, default=SlackMode.SOCKET)
    channel = _channel(table, "channel")
    if "channel" not in table:
        table.findings.problem((*table.path, "channel"), 'It is missing; write the channel for cards, such as "#agent-approvals".')
    bot_token = _secret(table, sources, "bot_token", "SLACK_BOT_TOKEN", "xoxb-")
    app_token = _secret(table, sources, "app_token", "SLACK_APP_TOKEN", "xapp-") if mode is SlackMode.SOCKET else None
    signing = _secret(table, sources, "signing_secret", "SLACK_SIGNING_SECRET", "") if mode is SlackMode.HTTP else None
    return SlackSettings(
        mode=mode,
        channel=channel or "",
        fallback_channel=_channel(table, "fallback_channel"),
        api_url=_api_url(table),
        admins=frozenset(
            table.texts("admins", 'write a list of people, such as ["slack:T01TEST/U01ALICE"]', read=lambda text: parse_person(text).key)
        ),
        bot_token=bot_token or Secret(""),
        app_token=app_token,
        signing_secret=signing,
        listen=_listen(table),
        command=_command(table),
        arguments=table.flag("arguments", default=True),
    )


def _channel(table: Table, key: str) -> str | None:
    right = 'write the id of a channel, such as "C0123456789", or its name, such as "#agent-approvals"'
    text = table.text(key, right)
    if text is not None and not _CHANNEL.fullmatch(text):
        table.problem(key, f"Found {shown(text)}; {right}.")
        return None
    return text


def _secret(table: Table, sources: Sources, key: str, variable: str, prefix: str) -> Secret | None:
    """Read a token, from its reference or from the variable that it is looked for in. What it holds is never shown."""
    written = table.text(key, f'write "env:{variable}" or "file:PATH"') or f"env:{variable}"
    if not is_reference(written) or " " in written.partition(":")[0]:
        table.problem(key, f'A secret does not stand in this file. Write {key} = "env:{variable}", or "file:PATH".')
        return None
    found = sources.secret(written, (*table.path, key))
    if found is not None and prefix and not found.reveal().startswith(prefix):
        table.problem(key, f"What {written} holds does not begin with {prefix}. Copy the right token from the app's page at api.slack.com.")
        return None
    return found


def _api_url(table: Table) -> str:
    text = table.text("api_url", f'write a URL, such as "{SLACK_API}"') or SLACK_API
    try:
        parts = urlsplit(web_url(text, path=True))
    except ValueError as error:
        table.problem("api_url", str(error))
        return SLACK_API
    if parts.query or (parts.scheme == "http" and parts.hostname not in _LOOPBACK):
        table.problem("api_url", f"Found {shown(text)}; the token goes there, so write an https:// URL without a query.")
    return text.rstrip("/") + "/"


def _listen(table: Table) -> Address:
    text = table.text("listen", f'write "host:port", such as "{_LISTEN}"')
    if text is not None:
        try:
            return address(text)
        except ValueError as error:
            table.problem("listen", str(error))
    return address(_LISTEN)


def _command(table: Table) -> str:
    right = 'write a command, such as "/askfirst"'
    text = table.text("command", right) or DEFAULT_COMMAND
    if not _COMMAND.fullmatch(text):
        table.problem("command", f"Found {shown(text)}; {right}.")
    return text
