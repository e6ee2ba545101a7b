"""Descriptions are read for their main verb."""

import pytest

from workflows.catalogue.describing import read_description


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Delete a repository", "Destructive"),
        ("Deletes a Discord category by ID.", "Destructive"),
        ("Permanently remove a user from the account.", "Destructive"),
        ("Returns the balance.", "Read"),
        ("This tool lets you create an issue.", "Write"),
        ("Use this to delete old records.", "Destructive"),
        ("Use this tool when you need to send an email.", "Write"),
        ("Allows users to transfer funds between accounts.", "Financial"),
        ("Tool for deleting a bucket.", "Destructive"),
        ("A tool that executes a shell command.", "Execute"),
        ("[OFFICIAL_TOOL] [WRITE] Create a new payment link.", "Financial"),
        ("**Create** a `page`.", "Write"),
        ("Discord: deletes a channel.", "Destructive"),
        ("Payments - get payment info, verify transactions.", "Read"),
        ("Create, update and delete tasks.", "Destructive"),
        ("Reads and then deletes a message.", "Destructive"),
        ("Get charges and refunds.", "Read"),
        ("Cancel an order and refund the payment.", "Destructive"),
        ("Add or remove a label.", "Write"),
        ("Manage users (list, create, delete).", "Destructive"),
        ("Fetches a page and converts it to markdown.", "Read"),
        ("Perform a web search.", "Read"),
        ("Current weather for a city.", "Read"),
        ("List of users.", "Read"),
        ("Order status for a customer.", "Read"),
        ("Returns items. Does not delete anything.", "Read"),
        ("Get a user before deleting them.", "Read"),
        ("Get the id, so that you can delete the user.", "Read"),
        ("Start here when you want to deploy. Provides guidance for a build.", "Read"),
        ("Perform various comment operations (get, add a comment)", "Write"),
        ("Perform a deletion (list, get)", "Destructive"),
        ("All tags of a vault, counted.", "Read"),
        ("Detailed fraud detection for a wallet", "Read"),
        ("Execute an INSERT, UPDATE or DELETE statement.", "Execute"),
    ],
)
def test_the_main_verb_decides(text: str, expected: str) -> None:
    """Where the sentence begins with it, is led to it, or has a label before it; denials and purposes do not count."""
    said = read_description(text)
    assert said is not None
    assert said.category.value == expected


@pytest.mark.parametrize("text", ["", " ", "...", "A simple thing", "Removed from active work entirely", "\U0001f680\U0001f680", "((((((("])
def test_what_has_no_verb_says_nothing(text: str) -> None:
    """A state is no deed."""
    assert read_description(text) is None
