"""Names are read for their verbs, wherever they stand."""

import pytest

from tests.unit.workflows.catalogue.definitions import category
from workflows.catalogue.naming import read_name
from workflows.catalogue.tokens import words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # a verb anywhere
        ("delete_user", "Destructive"),
        ("user_delete", "Destructive"),
        ("r2_bucket_delete", "Destructive"),
        ("googleGmailSendEmail", "Write"),
        # under a read verb, nouns are nouns
        ("get_refund", "Read"),
        ("list_transfers", "Read"),
        ("get_deleted_items", "Read"),
        ("list_workflow_runs", "Read"),
        ("get_delete_job_status", "Read"),
        ("swap_get_quote", "Read"),
        # but a second verb that acts counts
        ("get_and_delete", "Destructive"),
        ("list_or_create", "Write"),
        ("check_and_pay", "Financial"),
        ("list_delete", "Destructive"),
        ("find_replace", "Write"),
        # what is only shown beforehand does not happen
        ("preview_delete", "Read"),
        ("simulate_refund", "Read"),
        ("can_delete_user", "Read"),
        # a grave verb inside a noun
        ("create_delete_policy", "Write"),
        ("set_refund_reason", "Write"),
        ("schedule_delete", "Destructive"),
        # things and what is done with them
        ("order_status", "Read"),
        ("order_pizza", "Financial"),
        ("charge_status", "Read"),
        ("charge_card", "Financial"),
        ("token_swap", "Financial"),
        ("run_command", "Execute"),
        ("git_log", "Read"),
        ("post_message", "Write"),
        ("message_search", "Read"),
        ("mark_as_read", "Write"),
        # a pair of tools, one of which reads
        ("manage_config_read", "Read"),
        ("manage_config", "Write"),
        # made into another kind
        ("text_to_speech", "Execute"),
        ("pdf_to_docx", "Execute"),
        ("add_text_to_page", "Write"),
        # nouns that say it
        ("account_status", "Read"),
        ("market_balances", "Read"),
        ("help", "Read"),
        # on a screen
        ("browser_close", "Execute"),
        ("browser_snapshot", "Read"),
        # after what runs or pays, and inside a name, the outcome is read
        ("loans_repay_history", "Read"),
        ("token_convert_recommendation", "Read"),
        ("refund_status", "Financial"),
        ("user_delete_history", "Destructive"),
        # nouns of reading
        ("rugpull_detection", "Read"),
        # a file that is read into a table
        ("import_csv_to_sql", "Write"),
        ("build_and_push_image", "Execute"),
        # an address and its method
        ("deletecustomerscustomer", "Destructive"),
        ("getpaymentintentssearch", "Read"),
        # questions
        ("has_permission", "Read"),
        # other forms
        ("bulk_deletion", "Destructive"),
        ("deletes_user", "Destructive"),
    ],
)
def test_a_name_says_what_it_does(name: str, expected: str) -> None:
    """By its verbs, and else by its nouns."""
    said = read_name(words(name))
    assert said is not None
    assert said.category.value == expected


@pytest.mark.parametrize("name", ["", "zorp", "dropped", "x_y_z"])
def test_a_name_without_a_verb_says_nothing(name: str) -> None:
    """A participle is a state, not a deed."""
    assert read_name(words(name)) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("structured_reasoning", "Other"),
        ("thinking_history", "Read"),
        ("clear_thinking", "Destructive"),
        ("hex_to_decimal", "Other"),
        ("csv_to_pdf", "Execute"),
        ("spot_place_order", "Financial"),
        ("list_new_order_types", "Read"),
        ("npm_search", "Read"),
    ],
)
def test_a_turn_of_words_says_what_no_verb_does(name: str, expected: str) -> None:
    """A place to think, a notation into another, an order that is placed."""
    said = read_name(words(name))
    assert said is not None
    assert said.category.value == expected


def test_a_list_that_something_is_done_to_leaves_it_to_the_description() -> None:
    """A tag list is listed, and a list may be archived."""
    assert category("archive_list", "Send a list to the archive.").value == "Write"
    assert category("tag_list", "List the tags.").value == "Read"
