"""Configurations for tests: written into a directory of their own, and read as `askfirst` reads them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from bot.settings import SettingProblem, Settings, SettingsInvalid, load

FULL = Path(__file__).parents[2] / "data" / "configs" / "full" / "askfirst.toml"
TOKEN = "support-agent-token-0123456789"
BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xo" + "xb-not-a-real-one", "xa" + "pp-not-a-real-one", "0123456789abcdef" * 2
ENVIRONMENT = {
    "PAYMENTS_TOKEN": "payments-secret",
    "SUPPORT_AGENT_TOKEN": TOKEN,
    "GOV_BOT_TOKEN": BOT_TOKEN,
    "GOV_SIGNING_SECRET": SIGNING_SECRET,
    "SLACK_BOT_TOKEN": BOT_TOKEN,
    "SLACK_APP_TOKEN": APP_TOKEN,
    "SLACK_SIGNING_SECRET": SIGNING_SECRET,
}
POLICY = '{"version": "1", "default": "deny", "approval": {"approvers": "payments", "expires_in": "30m"}, "tools": {"list_customers": {}}}'
SERVER = '[servers.payments]\nurl = "http://127.0.0.1:9000/mcp"\n'
GRANT = '[grants.agent]\nserver = "payments"\nowner = "local:olivia"\ntoken = "env:SUPPORT_AGENT_TOKEN"\n'


def write(directory: Path, text: str, files: Mapping[str, str] | None = None) -> Path:
    """Write `askfirst.toml` and other files by name; give the path of the first."""
    for name, content in {"askfirst.toml": text, **(files or {})}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return directory / "askfirst.toml"


def read(directory: Path, text: str, files: Mapping[str, str] | None = None, *, environment: Mapping[str, str] = ENVIRONMENT) -> Settings:
    """Write a configuration and read it."""
    return load(write(directory, text, files), environment)


def problems(
    directory: Path, text: str, files: Mapping[str, str] | None = None, *, environment: Mapping[str, str] = ENVIRONMENT
) -> tuple[SettingProblem, ...]:
    """Write a configuration that cannot be used, and give what is wrong with it."""
    with pytest.raises(SettingsInvalid) as refusal:
        read(directory, text, files, environment=environment)
    return refusal.value.problems


def only(found: Iterable[SettingProblem]) -> SettingProblem:
    """Give the one problem there is."""
    (problem,) = found
    return problem


def toml(value: object) -> str:
    """Write a value as TOML does, inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return (
            '"'
            + "".join(f"\\U{ord(character):08x}" if character in '"\\' or not character.isprintable() else character for character in value)
            + '"'
        )
    return str(value)
