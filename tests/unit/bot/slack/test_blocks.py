"""Pieces of Block Kit: cut where Slack counts, written out, and never markup."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.slack import blocks
from tests.fakes.slack.text import weight
from tests.unit.bot.slack.looked_at import refused
from tests.unit.bot.slack.rows import ALICE, NOW, TEAM, texts
from workflows.redaction import has_unseen, visible


@given(texts, st.integers(1, 300))
def test_short_is_never_longer_as_slack_counts(words: str, most: int) -> None:
    """T04: an ampersand counts as five characters, and what fits is the text itself, written out."""
    cut = blocks.short(words, most)
    assert weight({"text": cut}) == blocks.weight(cut) <= most
    assert cut == visible(words) or cut.endswith("…")


@given(texts)
def test_every_piece_is_taken_whatever_it_says(words: str) -> None:
    """T03 T04: each piece with any words, the empty ones too, passes the limits and the SDK."""
    drawn = [
        blocks.header(words),
        blocks.context(words),
        blocks.rich(
            blocks.section(blocks.text(words), blocks.text(words, bold=True, code=True)), blocks.quote(words), blocks.preformatted(words)
        ),
        blocks.rich(blocks.section(blocks.person(words, TEAM), blocks.user_group(words, TEAM), blocks.date(NOW)), block_id="x"),
        blocks.actions("y", [blocks.button(words, "af_link", url="https://desk.example/" + words, spoken=words)]),
        blocks.divider(),
    ]
    assert refused(drawn) == [] or len(words) > 2900


@given(texts)
def test_every_piece_writes_out_what_hides(words: str) -> None:
    """T03: whoever forgot to make a text visible does not show what turns, hides or stacks letters."""
    pieces = [blocks.text(words), blocks.quote(words), blocks.preformatted(words), blocks.header(words), blocks.context(words)]
    assert not has_unseen(json.dumps([*pieces, blocks.button(words, "af_link", spoken=words)], ensure_ascii=False))


def test_people_and_user_groups_of_this_workspace_are_named_by_slack() -> None:
    """Only a key of our own team becomes a mention; a user group's id is no person."""
    assert blocks.person(ALICE, TEAM) == {"type": "user", "user_id": "U01ALICE"}
    assert blocks.person(ALICE, "T09OTHER")["type"] == "text"
    assert blocks.person(f"slack:{TEAM}/S01ONCALL", TEAM)["type"] == "text"
    assert blocks.user_group(f"slack:{TEAM}/S01ONCALL", TEAM) == {"type": "usergroup", "usergroup_id": "S01ONCALL"}
    assert blocks.person("local:alice", TEAM) == {"type": "text", "text": "local:alice"}


def test_people_are_counted_when_there_are_many() -> None:
    """The rest of a long list is a number."""
    drawn = blocks.people([ALICE] * 5, TEAM, most=2)
    assert [each["type"] for each in drawn] == ["user", "text", "user", "text"]
    assert drawn[-1]["text"] == " and 3 more"


def test_a_time_is_shown_by_the_clock_of_its_reader() -> None:
    """A date counts down in the reader's zone; who cannot see it reads UTC."""
    drawn = blocks.date(NOW)
    assert drawn == {
        "type": "date",
        "timestamp": 1768478420,
        "format": "{date_short_pretty} {time} ({ago})",
        "fallback": "2026-01-15 12:00 UTC",
    }
