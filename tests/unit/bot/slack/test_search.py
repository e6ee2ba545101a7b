"""The form that History is searched with, drawn and read back."""

import json

from bot.slack import search
from bot.slack.search import Search
from tests.unit.bot.slack.looked_at import ALICE, TEAM, refused


def test_the_search_form_is_taken_empty_and_full() -> None:
    """Each field is filled with what is searched now."""
    for now in (Search(), Search("w" * 200, "t", "s", "a", ALICE, "denied", "2026-01-01", "2026-02-01")):
        view = search.modal(now)
        assert refused(view["blocks"]) == []
    assert "U01ALICE" in json.dumps(view)


def test_what_was_filled_in_is_what_is_searched() -> None:
    """A person is searched by their key."""
    values = {
        "words": {"words": {"type": "plain_text_input", "value": " refund "}},
        "tool": {"tool": {"value": None}},
        "person": {"person": {"selected_user": "U01ALICE"}},
        "state": {"state": {"selected_option": {"value": "denied"}}},
        "since": {"since": {"selected_date": "2026-01-01"}},
    }
    found = search.searched({"state": {"values": values}}, team=TEAM)
    assert found == Search(words="refund", person=ALICE, state="denied", since="2026-01-01")
    assert search.searched({}, team=TEAM) == Search()
