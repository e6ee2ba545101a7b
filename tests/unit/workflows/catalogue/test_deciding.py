"""What the texts say is weighed, and the reason is given with the words that decided."""

import pytest

from tests.unit.workflows.catalogue.definitions import category, tool
from workflows.catalogue import Category


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("cleanup_job", "Returns the state of the job.", Category.DESTRUCTIVE),  # money and deletion win, from the name
        ("get_session", "Deletes the session.", Category.DESTRUCTIVE),  # and from the description
        ("get_report", "Creates a report.", Category.READ),  # else the plain verb of the name
        ("query_report", "Creates a report.", Category.WRITE),  # a weak one yields to a plain description
        ("create_build", "Trigger a new build.", Category.EXECUTE),  # "create" says little
        ("add", "Add two numbers", Category.OTHER),  # the same verb, and the description knows its object
        ("zorp", "Creates a report.", Category.WRITE),
        ("zorp", "", Category.OTHER),
        ("", "", Category.OTHER),
        ("items", "Items. It also deletes the old ones.", Category.DESTRUCTIVE),
    ],
)
def test_the_worse_of_the_two_wins_and_else_the_name(name: str, description: str, expected: Category) -> None:
    """A tool that deletes and is called Read is the worst mistake."""
    assert category(name, description) is expected


@pytest.mark.parametrize(
    ("name", "description", "reason"),
    [
        ("delete_user", "", 'the name says "delete"'),
        ("zorp", "Deletes a user.", 'the description says "deletes"'),
        ("close_case", "Closes it. This cannot be undone.", 'the description says "cannot be undone"'),
        ("zorp", "", "nothing in it says what it does"),
    ],
)
def test_the_reason_quotes_the_words(name: str, description: str, reason: str) -> None:
    """A person can check them."""
    assert tool(name, description).evidence[-1] == reason


def test_a_word_that_is_as_often_a_noun_contradicts_nothing() -> None:
    """A server may rightly say that its comments are only read."""
    assert tool("play_style_comment", readOnlyHint=True).contradictions == ()
    assert tool("create_comment", readOnlyHint=True).contradictions != ()


def test_what_reads_and_then_writes_is_a_write() -> None:
    """The name tells only half of it."""
    assert category("download_model", "Download and import a model.") is Category.WRITE
    assert category("list_charges", "Lists charges and refunds.") is Category.READ


def test_on_a_screen_a_write_is_a_click() -> None:
    """But what is saved from it is saved."""
    assert category("browser_resize", "Resize the window.") is Category.EXECUTE
    assert category("browser_save_page", "Save the page.") is Category.WRITE
