"""The section [grants.NAME]."""

from pathlib import Path

import pytest

from tests.unit.bot.configs import GRANT, POLICY, SERVER, TOKEN, only, problems, read
from workflows.grants import token_hash

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
BASE = 'server = "payments"\nowner = "local:olivia"\n'


@pytest.mark.parametrize(
    ("lines", "path", "message"),
    [
        (BASE, "grants.agent", "Found neither; write one."),
        (f'{BASE}token = "env:SUPPORT_AGENT_TOKEN"\ntoken_sha256 = "{HASH}"', "grants.agent", "Found both; keep one."),
        (f'{BASE}token = "abc"', "grants.agent.token", "Found a secret in plain text."),
        (f'{BASE}token = "env:NOT_SET"', "grants.agent.token", "The environment variable NOT_SET is not set."),
        (f'{BASE}token = "env:SPACED"', "grants.agent.token", "Make one with `openssl rand -hex 32`"),
        (f"{BASE}token = 3", "grants.agent.token", "Found 3"),
        (f'{BASE}token_sha256 = "abc"', "grants.agent.token_sha256", "64 hexadecimal digits"),
        (f'owner = "local:olivia"\ntoken_sha256 = "{HASH}"', "grants.agent.server", "It is missing; write the name of a server"),
        (f'server = "payments"\ntoken_sha256 = "{HASH}"', "grants.agent.owner", "It is missing; write who answers for this agent"),
        (f'server = "payments"\nowner = "Olivia"\ntoken_sha256 = "{HASH}"', "grants.agent.owner", "Write local:NAME"),
        (f'server = "payment"\nowner = "local:olivia"\ntoken_sha256 = "{HASH}"', "grants.agent.server", "Did you mean `payments`?"),
        (f'server = "zzz"\nowner = "local:olivia"\ntoken_sha256 = "{HASH}"', "grants.agent.server", "There are: payments."),
        (f'{BASE}token_sha256 = "{HASH}"\npolicy = "paymetns"', "grants.agent.policy", "Did you mean `payments`?"),
        (f'{BASE}token_sha256 = "{HASH}"\npolicy = ""', "grants.agent.policy", "Found an empty text"),
        (
            f'{BASE}token_sha256 = "{HASH}"\nhold_budget_seconds = 0.5',
            "grants.agent.hold_budget_seconds",
            "write a whole number from 0 to 3600",
        ),
    ],
)
def test_grants_that_cannot_be(tmp_path: Path, lines: str, path: str, message: str) -> None:
    """Each mistake names its key and its remedy, and shows no token."""
    text = f'{SERVER}[policies]\npayments = "p.json"\n[groups.payments]\nmembers = ["local:alice"]\n[grants.agent]\n{lines}\n'
    problem = only(problems(tmp_path, text, {"p.json": POLICY}, environment={"SPACED": "two words", "SUPPORT_AGENT_TOKEN": TOKEN}))
    assert problem.path == path
    assert message in problem.message
    assert "two words" not in problem.message


def test_a_grant_without_a_policy_is_noted(tmp_path: Path) -> None:
    """It is allowed, and denies every call."""
    note = only(read(tmp_path, SERVER + GRANT).notes)
    assert (note.path, note.line) == ("grants.agent", 3)
    assert "every call is denied" in note.message


def test_a_short_token_is_noted(tmp_path: Path) -> None:
    """A token that can be guessed works, and the remedy is said."""
    notes = read(tmp_path, SERVER + GRANT, environment={"SUPPORT_AGENT_TOKEN": "abc"}).notes
    assert any(note.path == "grants.agent.token" and "openssl rand" in note.message for note in notes)


def test_two_grants_with_one_token_are_refused(tmp_path: Path) -> None:
    """A token is one agent's: with two, nobody knew whose call it was."""
    text = SERVER + GRANT + GRANT.replace("grants.agent", "grants.other")
    assert "Found the token of agent again." in only(problems(tmp_path, text)).message


def test_only_the_hash_of_a_token_is_kept(tmp_path: Path) -> None:
    """The grant's token itself goes no further than the reading."""
    settings = read(tmp_path, SERVER + GRANT)
    assert settings.grants["agent"].token_sha256 == token_hash(TOKEN)
    assert TOKEN not in repr(settings)


def test_a_grant_may_name_a_server_with_a_problem(tmp_path: Path) -> None:
    """One mistake is one problem: what refers to it is not reported too."""
    assert only(problems(tmp_path, '[servers.payments]\nurl = "x"\n' + GRANT)).path == "servers.payments.url"
