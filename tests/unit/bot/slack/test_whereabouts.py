"""Where somebody is in their Home survives in what Slack keeps for us, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.search import Search
from bot.slack.whereabouts import Place, Tab, place_of


def test_a_place_is_read_back_as_it_was_written() -> None:
    """Tab, page and search survive in private_metadata."""
    place = Place(Tab.HISTORY, 2, ("apr_1", "apr_2"), Search(words="ünsafe 'x'", state="denied", since="2026-01-01"))
    assert place_of(place.metadata) == place


@given(st.builds(Search, *[st.text(max_size=300)] * 8), st.lists(st.text(max_size=50), max_size=60))
def test_a_place_always_fits_private_metadata(searched: Search, cursors: list[str]) -> None:
    """Whatever was typed and however many pages were turned, Slack takes it, and the tab survives."""
    place = Place(Tab.HISTORY, search=searched)
    for cursor in cursors:
        place = place.older(cursor)
    assert len(place.metadata) <= 3000
    assert place_of(place.metadata).tab is Tab.HISTORY


@pytest.mark.parametrize(
    "metadata", [None, "", "[]", "{}", '{"t":"nowhere","p":0,"b":[],"s":{}}', '{"t":"waiting","p":"x","b":1,"s":[]}', 7]
)
def test_metadata_that_is_not_ours_is_the_first_tab(metadata: object) -> None:
    """A view of an older version does not break the Home."""
    assert place_of(metadata) == Place()


def test_newer_goes_back_one_page() -> None:
    """Pages of History are found back by their cursors, the others by number."""
    place = Place(Tab.HISTORY).older("apr_1").older("apr_2")
    assert place.newer().befores == ("apr_1",)
    assert Place(Tab.PENDING).older("more").newer() == Place(Tab.PENDING)
    assert Place(Tab.PENDING).newer().page == 0
