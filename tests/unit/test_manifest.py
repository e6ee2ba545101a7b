"""The manifest of the Slack app says what the code uses, no more and no less, and obeys the rules of Slack's public schema."""

import copy
import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jsonschema
import pytest
import yaml
from slack_bolt.async_app import AsyncApp

from bot.settings.slack import DEFAULT_COMMAND
from bot.slack import actions, commands, events, group_actions, homes, ids, messages
from bot.slack.context import SlackContext
from bot.slack.ids import Action, Callback
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


class Heard:
    """An app that only writes down what somebody listens to, by kind: events, commands, actions, views, options."""

    def __init__(self) -> None:
        self.names: defaultdict[str, list[str]] = defaultdict(list)

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        """Take a listener."""

        def listen(name: str | re.Pattern[str]) -> Callable[[object], object]:
            self.names[kind].append(name.pattern if isinstance(name, re.Pattern) else str(name))
            return lambda listener: listener

        return listen


@pytest.fixture
def heard() -> Heard:
    """Register every listener of the Slack face."""
    listening = Heard()
    app = cast("AsyncApp", listening)
    slack = cast("SlackContext", SimpleNamespace(settings=SimpleNamespace(command=DEFAULT_COMMAND)))
    for module in (actions, homes, commands, group_actions):
        module.register(app, slack)
    events.register(app, slack, lost=print, wake=print)
    return listening


def test_scopes_are_those_that_the_code_uses(manifest: dict[str, Any]) -> None:
    """A scope that nothing needs is a right too many; one that is missing is a failure at a bad moment."""
    assert manifest["oauth_config"]["scopes"]["bot"] == sorted(ids.SCOPES)


def test_events_and_commands_are_those_that_somebody_listens_to(manifest: dict[str, Any], heard: Heard) -> None:
    """Slack sends nothing for nobody, and nobody waits for what Slack does not send."""
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == sorted(heard.names["event"])
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == heard.names["command"]


def test_every_id_has_its_listener(heard: Heard) -> None:
    """No button, menu or form can be drawn that is not answered, and each has one listener."""
    patterns = [*heard.names["action"], *heard.names["options"]]
    for action in Action:
        drawn = f"{action}.waiting" if action is Action.TAB else action
        assert len([pattern for pattern in patterns if re.fullmatch(pattern, drawn)]) == 1, action
    assert sorted(heard.names["view"]) == sorted(set(Callback) - {Callback.HOME, Callback.FULL, Callback.TOLD})


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
