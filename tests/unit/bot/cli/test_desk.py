"""`askfirst desk`."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.bot.cli.stage import Stage
from workflows import access
from workflows.errors import TokenRefused


def test_login_prints_a_link_that_works_once(here: Stage) -> None:
    """The link alone is on standard output; it leads to the desk, for that person."""
    said = here.ask("desk", "login", "--as", "local:alice")
    assert said.code == 0
    link, token = said.out.strip().split("?token=")
    assert link == "http://127.0.0.1:8081/sign-in"
    assert "within 10 minutes" in said.err
    _, row = here.write(lambda session: access.use_link(session, token, now=datetime.now(UTC)))
    assert row.person == "local:alice"
    with pytest.raises(TokenRefused):
        here.write(lambda session: access.use_link(session, token, now=datetime.now(UTC)))


def test_login_notices_a_name_that_no_group_has(here: Stage) -> None:
    """A slip in a name is told, and the link is there all the same: owners of agents are in no group."""
    here.hold()
    assert "no approver group" not in here.ask("desk", "login", "--as", "local:alice").err
    said = here.ask("desk", "login", "--as", "local:alcie")
    assert said.code == 0
    assert "?token=" in said.out
    assert "local:alcie is in no approver group" in said.err


def test_a_personal_token_is_shown_once_and_ends(here: Stage) -> None:
    """The token alone is on standard output, names its person, and ends when it was said to."""
    said = here.ask("desk", "token", "--as", "local:alice", "--label", "laptop", "--days", "3")
    assert said.code == 0
    token = said.out.strip()
    assert token not in said.err
    now = datetime.now(UTC)
    assert here.write(lambda session: access.find_token(session, token, now=now)).key == "local:alice"
    with pytest.raises(TokenRefused):
        here.write(lambda session: access.find_token(session, token, now=now + timedelta(days=4)))


@pytest.mark.parametrize("verb", ["login", "token"])
def test_nobody_gets_in_under_a_name_that_is_none(here: Stage, verb: str) -> None:
    """A person is local:NAME or slack:TEAM/USER; nothing is minted for anything else."""
    for name in ("alice", "local:", "local:Alice", "local:a\nb", ""):
        said = here.ask("desk", verb, "--as", name)
        assert (said.code, said.out) == (1, "")
        assert said.err.endswith("[bad_person]\n")
    assert here.ask("desk", verb).code == 2


def test_a_token_cannot_last_for_ever(here: Stage) -> None:
    """Beyond a year is misuse."""
    assert here.ask("desk", "token", "--as", "local:alice", "--days", "1000").code == 2
