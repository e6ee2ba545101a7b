"""The samples in docs/cards: written from the same code, up to date, and taken by Slack."""

import json
from pathlib import Path

import pytest

from bot.slack import cards, samples
from bot.slack.search import STATES
from tests.fakes.slack import limits
from tests.unit.bot.slack.looked_at import refused
from workflows.states import State

STORED = Path(__file__).parents[4] / "docs" / "cards"


def test_the_stored_samples_are_what_is_drawn() -> None:
    """`python -m bot.slack.samples docs/cards` brings them up to date."""
    assert {path.name: path.read_text(encoding="utf-8") for path in STORED.glob("*.json")} == dict(samples.files())


def test_there_is_a_card_for_every_state() -> None:
    """Whoever looks sees a request in each state of its life."""
    headlines = {json.loads(text)["text"].partition(":")[0] for text in samples.files().values() if "text" in json.loads(text)}
    assert {STATES[state] for state in State if state is not State.PENDING} | {"Approval needed"} <= headlines


@pytest.mark.parametrize("name", sorted(samples.messages()))
def test_slack_takes_each_message(name: str) -> None:
    """T04: samples have no markup, and fit."""
    message = samples.messages()[name]
    assert refused(message.blocks, at_most=50) == []
    limits.message(message.text, message.blocks, blocks_limit=cards.MOST, update=True)


@pytest.mark.parametrize("name", sorted(samples.views()))
def test_slack_takes_each_view(name: str) -> None:
    """A view fits Slack's limits."""
    limits.view(samples.views()[name], "modal")


def test_old_samples_are_removed(tmp_path: Path) -> None:
    """A directory that is written again has no sample of what is gone."""
    (tmp_path / "old.json").write_text("{}")
    samples.main(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(samples.files())
