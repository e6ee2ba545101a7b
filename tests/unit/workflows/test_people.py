"""A person is an id from a source that was verified, in exactly two forms."""

import pytest

from workflows.errors import BadPerson
from workflows.people import ApproverGroup, Person, parse_person


@pytest.mark.parametrize(
    "text", ["local:alice", "local:a", "local:a.b-c_d9", "local:0", "local:" + "a" * 64, "slack:T01TEST/U01ALICE", "slack:E1/W2"]
)
def test_the_two_forms_are_read(text: str) -> None:
    """The key is the text itself."""
    assert parse_person(text) == Person(text)
    assert str(parse_person(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "local:",
        "local:Alice",
        "local:-alice",
        "local:a b",
        "local:alice\n",
        "local:alicе",  # noqa: RUF001  # the last letter is Cyrillic: that is the case
        "local:" + "a" * 65,
        " local:alice",
        "slack:U01ALICE",
        "slack:T01TEST/",
        "slack:t01test/u01alice",
        "slack:T01TEST/U01ALICE/X",
        "slack:T01TEST/U01ALICE,local:bob",
        "email:alice@example.org",
        "askfirst",
        "agent:support",
        "*",
    ],
)
def test_anything_else_names_nobody(text: str) -> None:
    """The refusal gives the two forms; names, addresses and wildcards are not guessed at."""
    with pytest.raises(BadPerson, match=r"local:NAME .*slack:TEAM/USER"):
        parse_person(text)


def test_the_owner_of_an_agent_is_eligible_only_where_the_group_says_so() -> None:
    """Self-approval is a property of the group, off unless written."""
    members = frozenset({"local:alice", "local:olivia"})
    assert ApproverGroup("payments", members).eligible("local:olivia") == {"local:alice"}
    assert ApproverGroup("payments", members, self_approval=True).eligible("local:olivia") == members
    assert ApproverGroup("payments", members).eligible("local:nobody") == members


def test_an_empty_group_is_nobody() -> None:
    """It is not everybody."""
    assert not ApproverGroup("empty", frozenset()).eligible("local:olivia")
