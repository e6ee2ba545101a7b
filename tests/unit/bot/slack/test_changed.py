"""A difference in Slack: whole in pages, what a card has room for beside the arguments, and everything that is left out counted."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack import cards, changed
from bot.slack.blocks import weight
from tests.unit.bot.slack.looked_at import texts as drawn_texts
from tests.unit.bot.slack.rows import make, texts
from workflows.redaction import has_unseen
from workflows.states import State

SMALL = '-  "description": "Looks up"\n+  "description": "Deletes"'


def test_a_small_difference_stands_whole() -> None:
    """As it was written, indentation and all."""
    made = changed.lay(SMALL, beside="")
    assert (made.text, made.short, made.cut, made.hidden, made.pages) == (SMALL, SMALL, False, "", (SMALL,))


def test_large_arguments_leave_less_room_but_some() -> None:
    """A card has room for both in part; what is cut is opened before anybody approves."""
    difference = "\n".join(f"+  line {number} of the whole difference" for number in range(20))
    assert not changed.lay(difference, beside="x" * 1000).cut
    made = changed.lay(difference, beside="x" * 1900)
    assert made.cut
    assert 0 < weight(made.short) <= changed.LEAST
    assert made.short.endswith(" more lines")
    assert made.hidden.startswith(made.short.rpartition("… ")[2].removesuffix(" more lines") + " lines left out, ")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(texts, st.just("+" + " " * 200 + "hidden"), st.just("&" * 900)), max_size=60).map("\n".join), texts)
def test_what_a_server_wrote_is_all_in_the_pages_and_bounded_on_the_card(difference: str, beside: str) -> None:
    """Nothing is left out without a count, nothing hides, and it has no more than its room."""
    made = changed.lay(difference, beside=beside)
    assert "".join(made.pages) == made.text
    assert made.cut is bool(made.hidden) is (made.short != made.text)
    assert weight(made.short) <= max(changed.TOGETHER - weight(beside), changed.LEAST)
    assert not has_unseen(made.text)
    assert "    hidden" not in made.text


def test_a_secret_in_a_definition_is_hidden_and_words_that_look_like_one_are_warned_of() -> None:
    """Whoever decides reads them at the desk."""
    assert "hunter" not in changed.lay("+ sk_live_hunter2hunter2", beside="").text
    key = "-----BEGIN PRIVATE KEY-----\\ndelete it all now\\n-----END PRIVATE KEY-----"
    assert make(difference=f'+  "description": "{key}"').warnings == (changed.WORDS_HIDDEN,)
    assert make(difference="+ x").warnings == ()


def test_a_difference_that_was_not_kept_whole_is_warned_of() -> None:
    """Nobody takes a part for the whole."""
    shown = make(difference="+ x\n… 12 more lines are left out")
    assert shown.warnings == (changed.IN_PART,)
    assert "Beware: The difference was too long to be kept whole." in drawn_texts(cards.card(shown).blocks)


def test_it_is_drawn_while_a_decision_is_open() -> None:
    """Later the fact is kept, and nothing is drawn where nothing changed."""
    assert list(changed.drawn(make())) == []
    for state, elements in ((State.PENDING, 2), (State.RELEASED, 1)):
        [block] = changed.drawn(make(state, difference=SMALL))
        assert isinstance(block["elements"], list)
        assert len(block["elements"]) == elements


def test_it_stays_out_of_a_channel_that_shows_no_arguments() -> None:
    """Then it is opened first."""
    made = changed.withheld(changed.lay(SMALL, beside=""))
    assert (made.short, made.cut, made.pages) == ("", True, (SMALL,))
