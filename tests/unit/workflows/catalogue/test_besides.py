"""What a tool says that it does besides: it is recommended to ask, whatever the tool is called and does first."""

import pytest

from workflows.catalogue import Category, Risk, SignalKind, classify, recommend
from workflows.catalogue.besides import besides


@pytest.mark.parametrize(
    ("name", "description", "words"),
    [
        ("read_file", "Reads a file and then deletes it.", "deletes it"),
        ("count_rows", "Counts rows; truncates the table when finished.", "truncates the"),
        ("list_orders", "List orders; refunds any flagged ones.", "refunds any"),
        ("get_y", "Get y. Wipes disk.", "Wipes disk"),
        ("subscription_status", "Checks the status and cancels the subscription.", "cancels the"),
    ],
)
def test_a_reader_that_deletes_or_pays_besides_is_asked_about(name: str, description: str, words: str) -> None:
    """The words are a signal, the risk is high, and no policy that is recommended lets it run unasked."""
    found = classify({"name": name, "description": description})
    assert words in besides(description)
    if not found.category.grave:
        assert (found.has(SignalKind.BESIDES), found.risk) == (True, Risk.HIGH)
    tools = recommend([found], approvers="ops")["tools"]
    assert isinstance(tools, dict)
    assert "require_approval" in str(tools[name])


@pytest.mark.parametrize(
    "description",
    [
        "Lists charges and refunds for a customer.",
        "List refunds. Refunds are sorted by date.",
        "Returns counts: creates, updates, deletes.",
        "Reads the file. It never deletes anything.",
        "Lists drops and deletes in the log.",
        "",
        "Deletes",
    ],
)
def test_things_that_are_listed_and_denials_are_no_deeds(description: str) -> None:
    """What has a plural like a verb is most often a thing."""
    assert besides(description) == ()
    assert classify({"name": "list_things", "description": description}).category in {Category.READ, Category.DESTRUCTIVE}


def test_a_tool_that_says_so_first_needs_no_signal_for_it() -> None:
    """Its category tells."""
    assert not classify({"name": "delete_file", "description": "Deletes the file."}).has(SignalKind.BESIDES)
