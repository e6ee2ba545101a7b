"""What the texts say is weighed, and the reason is given with the words that decided."""

import pytest

from tests.unit.workflows.catalogue.definitions import category, tool
from workflows.calls import JSON
from workflows.catalogue import Category, Risk


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


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("linear_removeLabel", "Takes it off: remove a label from an issue.", Category.WRITE),
        ("remove_label", "Deletes the label for everybody.", Category.DESTRUCTIVE),
        ("publish_note", "Publish a note. This cannot be undone.", Category.WRITE),  # nothing is lost
        ("publish_note", "Publish a note. Its draft is permanently deleted.", Category.DESTRUCTIVE),
        ("merge_account", "Merge two accounts. This cannot be undone.", Category.DESTRUCTIVE),
        ("manage_capabilities", "Get what the server can do.", Category.READ),
        ("manage_users", "Delete users.", Category.DESTRUCTIVE),
        ("verify_source", "Submit the source to an explorer that checks it.", Category.WRITE),
        ("echo_value", "Asks for approval before a value is repeated.", Category.OTHER),
        ("calculate", "Evaluate a mathematical expression.", Category.OTHER),
        ("write_store", "Execute a mutating command.", Category.EXECUTE),
        ("install_runtime", "Returns installation instructions for a runtime.", Category.READ),
        ("install_runtime", "Installs a runtime.", Category.EXECUTE),
        ("transact", "Execute SQL statements. In READ-ONLY MODE only reads are allowed.", Category.EXECUTE),
        ("decode_thing", "Decodes a thing. It returns the text.", Category.OTHER),
    ],
)
def test_the_description_knows_what_the_verb_leaves_open(name: str, description: str, expected: Category) -> None:
    """A label comes off without a loss, a frame says nothing itself, and a read-only mode is not always on."""
    assert category(name, description) is expected


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("generate_image", {"action": {"enum": ["generate", "status", "cancel"]}}, Category.EXECUTE),  # what it started
        ("generate_image", {"action": {"enum": ["generate", "terminate"]}}, Category.DESTRUCTIVE),
        ("manage_thread_subscription", {"action": {"enum": ["watch", "delete"]}}, Category.WRITE),
        ("manage_thread", {"action": {"enum": ["watch", "delete"]}}, Category.DESTRUCTIVE),
        ("payments", {"action": {"enum": ["list", "create"]}}, Category.FINANCIAL),
        ("extract_pages", {"output_dir": {"type": "string"}}, Category.WRITE),
        ("extract_pages", {"file_path": {"type": "string"}}, Category.READ),
    ],
)
def test_the_schema_is_evidence(name: str, schema: dict[str, JSON], expected: Category) -> None:
    """A bare choice is done to what the name names, and what is saved to a place is written."""
    assert category(name, "", {"type": "object", "properties": schema}) is expected


def test_a_write_without_a_way_back_is_of_high_risk() -> None:
    """It stays a write, and people are told."""
    assert tool("publish_note", "Publish a note. This cannot be undone.").risk is Risk.HIGH
    assert tool("publish_note", "Publish a note.").risk is Risk.MEDIUM


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
