"""The manifest of the Slack app says what the code uses, no more and no less, and obeys the rules of Slack's public schema."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.settings.slack import DEFAULT_COMMAND
from bot.slack import ids, messages
from tests.fakes.slack.gate import RULES

TOP = Path(__file__).parents[2]
TEXT = (TOP / "manifest.yml").read_text(encoding="utf-8")
SCHEMA = json.loads((TOP / "tests" / "data" / "slack" / "manifest.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def manifest() -> dict[str, Any]:
    """Read the manifest as it is shipped."""
    read: dict[str, Any] = yaml.safe_load(TEXT)
    return read


def _over_http() -> dict[str, Any]:
    """Read the manifest after the edits that the README asks for: the lines marked HTTP."""
    text = re.sub(r"# (\S+: https://\S+)  # HTTP$", r"\1", TEXT, flags=re.MULTILINE)
    text = text.replace("socket_mode_enabled: true  # HTTP: false", "socket_mode_enabled: false")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def _valid(document: object) -> bool:
    return bool(jsonschema.Draft7Validator(SCHEMA).is_valid(document))


def test_scopes_and_events_are_those_that_the_code_uses(manifest: dict[str, Any]) -> None:
    """A scope that nothing needs is a right too many; one that is missing is a failure at a bad moment."""
    assert manifest["oauth_config"]["scopes"]["bot"] == sorted(ids.SCOPES)
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == sorted(ids.EVENTS)


_METHOD = re.compile(r"\.((?:apps|auth|chat|conversations|files|usergroups|users|views)_\w+)\b")
_UPLOAD = ("files.getUploadURLExternal", "files.completeUploadExternal")
_WITHOUT_A_METHOD = {
    "commands": "the slash command",
    "chat:write.public": "cards in public channels that the bot is not in",
    "channels:read": "conversations.info and events of public channels",
    "groups:read": "the same of private ones",
    "channels:history": "conversations.history of public channels",
    "groups:history": "of private ones",
    "im:history": "of direct messages",
}


def _called() -> set[str]:
    """Give every method of the Web API that the Slack face calls, by Slack's name."""
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((TOP / "bot" / "slack").glob("*.py")))
    found = set(_METHOD.findall(source)) - {"files_upload_v2"}
    return {name.replace("_", ".") for name in found} | set(_UPLOAD)


def test_each_scope_is_for_something_that_is_called_and_nothing_is_called_without_its_scope() -> None:
    """What each method asks for is what the Slack of the tests asks for."""
    assert _called() <= set(RULES), "a method that the Slack of the tests does not know"
    needed = {scope for name in _called() if not RULES[name].app_token for scope in RULES[name].scopes}
    assert needed | set(_WITHOUT_A_METHOD) == set(ids.SCOPES)


def test_the_command_is_the_default_one_and_its_hint_names_every_word(manifest: dict[str, Any]) -> None:
    """What Slack suggests while somebody types is what the listener knows."""
    [command] = manifest["features"]["slash_commands"]
    assert command["command"] == DEFAULT_COMMAND
    assert command["usage_hint"].split(" | ") == [name for name, _ in messages._COMMANDS]


@pytest.mark.parametrize("read", [lambda: yaml.safe_load(TEXT), _over_http], ids=["socket", "http"])
def test_both_modes_obey_the_schema(read: Any) -> None:  # noqa: ANN401  # a reader of either
    """As shipped, and with the lines for HTTP mode."""
    jsonschema.Draft7Validator(SCHEMA).validate(read())


def test_socket_mode_has_no_address_and_http_mode_has_all_of_them(manifest: dict[str, Any]) -> None:
    """Slack refuses a manifest with request URLs in Socket Mode, and delivers nothing without them in HTTP mode."""
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "url" not in json.dumps(manifest).replace("description", "")
    http = _over_http()
    assert http["settings"]["socket_mode_enabled"] is False
    assert http["settings"]["event_subscriptions"]["request_url"].endswith("/slack/events")
    assert set(http["settings"]["interactivity"]) == {"is_enabled", "request_url", "message_menu_options_url"}
    assert all("url" in command for command in http["features"]["slash_commands"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("display_information", "name"), "A" * 36),
        (("display_information", "description"), "d" * 141),
        (("display_information", "colour"), "#fff"),
        (("features", "slash_commands", 0, "command"), "askfirst"),
        (("features", "slash_commands", 0, "usage_hint"), "u" * 1001),
        (("settings", "event_subscriptions", "request_url"), "http://askfirst.example.com"),
        (("settings", "sockets"), True),
    ],
)
def test_the_schema_catches_what_slack_refuses(manifest: dict[str, Any], path: tuple[Any, ...], value: object) -> None:
    """A check that nothing can fail would be none."""
    broken = copy.deepcopy(manifest)
    at: Any = broken
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert not _valid(broken)
