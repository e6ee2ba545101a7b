"""Some phrases say more than a verb."""

import pytest

from tests.unit.workflows.catalogue.definitions import category
from workflows.catalogue import Category, phrases


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("This action cannot be undone.", True),
        ("This is irreversible.", True),
        ("Permanently deletes it.", True),
        ("There is no undo.", True),
        ("A destructive operation.", True),
        ("A non-destructive operation.", False),
        ("This is not irreversible.", False),
        ("Permanently stores a file.", False),
        ("Closes it.", False),
    ],
)
def test_no_way_back_is_noticed(text: str, *, found: bool) -> None:
    """Unless it is denied."""
    assert (phrases.no_undo(text) is not None) is found


def test_no_way_back_makes_it_destructive() -> None:
    """Not a tool whose name and text only read."""
    assert category("close_account", "Close the account. This cannot be undone.") is Category.DESTRUCTIVE
    assert category("get_warning", "Get the warning that a deletion cannot be undone.") is Category.READ


def test_a_cancellation_that_only_sets_a_status_is_a_write() -> None:
    """The record stays; but not where it says that there is no way back."""
    assert category("cancel_booking", "Cancel a booking. Sets status to cancelled.") is Category.WRITE
    assert category("cancel_booking", "Cancel a booking. Sets status to cancelled. This cannot be undone.") is Category.DESTRUCTIVE
    assert category("delete_booking", "Delete a booking. Sets status to cancelled.") is Category.DESTRUCTIVE


def test_a_query_that_cannot_write_reads() -> None:
    """It is not the word run that counts then."""
    assert category("query", "Run a read-only SQL query") is Category.READ
    assert category("query", "Run any SQL query") is Category.EXECUTE


def test_a_mark_that_it_writes_is_believed() -> None:
    """Servers mark their tools, and a mark that warns is taken."""
    assert category("get_session", "[WRITE] Gets a session.") is Category.WRITE
