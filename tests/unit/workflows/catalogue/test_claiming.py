"""Sentences and lists claim more of a tool than its first verb."""

import pytest

from workflows.catalogue.claiming import claims


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Handles a message. It also deletes the original.", ["Destructive"]),
        ("Gets a user. This will charge the card.", []),
        ("Tasks. Actions: list, create, delete.", ["Read", "Write", "Destructive"]),
        ("Supports: get, pay", ["Read", "Financial"]),
        ("Actions: - list: List the threads. - remove_note: Take one note away.", ["Read", "Read", "Destructive"]),
        ("Supported operations:\n- CreateCluster (needs a permission)\n- DeleteCluster", ["Write", "Destructive"]),
        ("It includes operations for listing servers and running or executing SQL.", ["Execute"]),
        ("It never deletes anything.", []),
        ("This tool does not send money.", []),
    ],
)
def test_later_sentences_claim_more(text: str, expected: list[str]) -> None:
    """Of the tool itself, in words that are plain."""
    assert [said.category.value for said in claims(text)] == expected
