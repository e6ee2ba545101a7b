"""`askfirst grants`."""

import json

import pytest

from bot.settings import base
from tests.unit.bot.cli.stage import Said, Stage
from workflows.database import Database
from workflows.grants import GrantBook

OWNER = ("--owner", "local:olivia")


def _create(here: Stage, label: str = "support-agent", *more: str) -> Said:
    return here.ask("grants", "create", label, "--server", "payments", "--policy", "payments", *OWNER, *more)


def _found(here: Stage, token: str) -> str | None:
    database = Database(base(here.config, {}).database.url.reveal())
    book = GrantBook()
    database.read(book.refresh)
    database.close()
    grant = book.find(token)
    return grant.label if grant else None


def test_create_prints_a_token_that_works_and_nothing_else(here: Stage) -> None:
    """The token alone is on standard output; what to do with it is said aside, with the agent's URL."""
    said = _create(here, "support-agent", "--hold-budget", "5")
    assert said.code == 0
    token = said.out.removesuffix("\n")
    assert _found(here, token) == "support-agent"
    assert "http://127.0.0.1:8080/mcp/payments/" in said.err
    assert token not in said.err
    [row] = json.loads(here.ask("grants", "list", "--json").out)
    assert (row["label"], row["server"], row["policy"], row["owner"]) == ("support-agent", "payments", "payments", "local:olivia")
    assert (row["hold_budget_seconds"], row["declared"], row["revoked_at"]) == (5, False, None)
    assert token not in here.ask("grants", "list").out + (here.config.parent / "askfirst.db").read_bytes().decode("latin-1")


def test_a_grant_without_a_policy_says_that_it_denies(here: Stage) -> None:
    """It is made, and what it means is said."""
    said = here.ask("grants", "create", "quiet", "--server", "payments", *OWNER)
    assert said.code == 0
    assert "every call is denied" in said.err
    assert "none: all denied" in here.ask("grants", "list").out


def test_rotate_ends_the_old_token_at_once(here: Stage) -> None:
    """The new one works, the old one does not."""
    old = _create(here).out.strip()
    new = here.ask("grants", "rotate", "support-agent").out.strip()
    assert (_found(here, old), _found(here, new)) == (None, "support-agent")


def test_revoke_ends_a_grant(here: Stage) -> None:
    """Its token no longer works, and the list says so."""
    token = _create(here).out.strip()
    assert here.ask("grants", "revoke", "support-agent").out == "support-agent: revoked. Its token no longer works.\n"
    assert _found(here, token) is None
    assert "revoked" in here.ask("grants", "list").out
    assert here.ask("grants", "rotate", "support-agent").err.endswith("[not_allowed]\n")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("Bad Label", "--server", "payments", *OWNER), "bad_name", "A name has 1 to 64"),
        (("a\x1b[31m", "--server", "payments", *OWNER), "bad_name", "A name has 1 to 64"),
        (("x", "--server", "paymetns", *OWNER), "unknown_name", "Did you mean payments?"),
        (("x", "--server", "payments", "--policy", "zzz", *OWNER), "unknown_name", "There are: payments."),
        (("x", "--server", "payments", "--owner", "Olivia"), "bad_person", "Write local:NAME"),
        (("taken", "--server", "payments", *OWNER), "taken", "There is a grant taken already."),
    ],
)
def test_grants_that_cannot_be_made(here: Stage, words: tuple[str, ...], code: str, sentence: str) -> None:
    """Each refusal says what would be right, prints no token, and leaves no grant."""
    _create(here, "taken")
    said = here.ask("grants", "create", *words)
    assert (said.code, said.out) == (1, "")
    assert sentence in said.err
    assert said.err.endswith(f"[{code}]\n")
    assert len(json.loads(here.ask("grants", "list", "--json").out)) == 1


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_a_grant_that_is_not_there(here: Stage, verb: str) -> None:
    """Its label is in the sentence."""
    said = here.ask("grants", verb, "nobody")
    assert (said.code, said.out) == (1, "")
    assert "There is no grant nobody." in said.err


def test_an_empty_list_says_how_to_make_one(here: Stage) -> None:
    """For people it is said aside; for programs it is an empty array."""
    assert "grants create" in here.ask("grants", "list").err
    assert here.ask("grants", "list", "--json").json == []
