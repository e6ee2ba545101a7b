"""What the command answers, drawn: it fits Slack, it is no markup, and it says what was asked."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.slack import messages
from bot.slack.home import GroupRow
from bot.slack.messages import Ballot, Known, Step, Whole
from bot.slack.shapes import Difference, Message
from tests.unit.bot.slack.looked_at import ALICE, NASTY, NOW, OLIVIA, TEAM, make_arguments, make_shown, nasty, objects, refused, texts
from workflows.states import State

COMMAND = "/askfirst"
_MOST_CHARACTERS = 11_000  # of all blocks of a message, escaped: beyond that Slack was seen to refuse


def whole(**facts: Any) -> Whole:  # noqa: ANN401  # the fields of Shown
    """A request with everything, as hostile as it can be."""
    votes = [Ballot(ALICE, "approve", NASTY * 10, NOW)] * 30
    return Whole(nasty(**facts), votes, [Step(NOW, OLIVIA, "request.hold")] + [Step(NOW, ALICE, "request.attach")] * 200, left_out=5)


LARGEST = [
    messages.listing("History", [nasty(n, state=s) for n, s in enumerate([*State, State.LOST])], team=TEAM, command=COMMAND, more=True),
    messages.one(whole(), team=TEAM),
    messages.groups([GroupRow(f"g{n}" + "x" * 60, tuple(f"local:{'p' * 60}{i}" for i in range(90))) for n in range(30)], team=TEAM),
    messages.whoami(Known(ALICE, ["g" * 64] * 40, ["a" * 100] * 40, admin=True)),
    messages.help_(COMMAND, unknown=NASTY * 3),
    messages.told(NASTY * 100),
]


@pytest.mark.parametrize("message", LARGEST, ids=range(len(LARGEST)))
def test_every_answer_fits_slack_at_its_largest(message: Message) -> None:
    """T04: hostile names at their longest are taken, without markup, and the notification text is ours alone."""
    assert refused(message.blocks, at_most=50) == []
    escaped = texts(message.blocks).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert len(escaped) < _MOST_CHARACTERS
    assert "<" not in message.text
    assert len(message.text) < 150


def test_a_modal_of_one_request_fits_slack_at_its_largest() -> None:
    """T04: the same in a modal, where more of the arguments stand."""
    view = messages.details(whole(), team=TEAM)
    assert refused(view["blocks"]) == []
    assert "36 more parts" in texts(view)


def test_one_request_says_who_decided_and_what_happened() -> None:
    """Who voted, why, and the trail."""
    shown = make_shown(state=State.DENIED, decided_by=(ALICE,), decided_at=NOW, decision_reason="Too much")
    trail = [Step(NOW, "agent:support-agent", "request.hold"), Step(NOW + timedelta(minutes=1), ALICE, "request.deny")]
    message = messages.one(Whole(shown, [Ballot(ALICE, "deny", "Too much", NOW)], trail), team=TEAM)
    told = texts(message.blocks)
    assert "Denied: create_refund" in told
    assert "Too much" in told
    assert "request.deny" in told
    assert {"type": "user", "user_id": "U01ALICE"} in [
        {key: each[key] for key in ("type", "user_id")} for each in objects(message.blocks) if each.get("type") == "user"
    ]


def test_one_request_says_what_the_tool_is_like_and_how_it_changed() -> None:
    """Risk, signals, and the difference in elements of its own, before the arguments."""
    difference = Difference("-a\n+b\n+c", "-a", cut=True, hidden="2 lines left out", pages=("-a\n+b", "\n+c"))
    shown = make_shown(risk="Execute · High risk", signals=("Free-form query",), difference=difference)
    told = texts(messages.one(Whole(shown), team=TEAM).blocks)
    assert "Risk: Execute · High risk. Signals: Free-form query." in told
    assert "changed since it was accepted.-aNot all of the difference: 2 lines left out." in told
    assert "changed since it was accepted.-a\n+b\n+c" in texts(messages.details(Whole(shown), team=TEAM))


def test_arguments_are_in_one_preformatted_element_each() -> None:
    """T02: what is cut is said to be cut, and how large the whole is."""
    shown = make_shown(arguments=make_arguments('{"a": 1}', cut=True, hidden="3 values cut", size=24_118))
    told = texts(messages.one(Whole(shown), team=TEAM).blocks)
    assert "24,118 bytes" in told
    assert "3 values cut" in told


def test_a_list_says_that_there_is_more() -> None:
    """Ten rows stand in an answer; the Home has all."""
    rows = [make_shown(number) for number in range(12)]
    message = messages.listing("Pending", rows, team=TEAM, command=COMMAND)
    assert texts(message.blocks).count("apr_") == messages.MOST
    assert "There are more" in texts(message.blocks)


def test_a_list_of_nothing_says_nothing_else() -> None:
    """Where there is nothing to look at, nobody is told how to look at it."""
    empty = messages.listing("Pending", [], team=TEAM, command=COMMAND, nothing="Nothing at all.")
    assert texts(empty.blocks) == "PendingNothing at all."


def test_help_names_every_command_and_what_was_not_understood() -> None:
    """An unknown word is answered with the list."""
    told = texts(messages.help_("/ask", unknown="frobnicate").blocks)
    for word in ("/ask pending", "/ask history [words]", "/ask show ID", "/ask groups", "/ask whoami", "/ask help", "frobnicate"):
        assert word in told


def test_the_trail_is_shown_from_its_beginning_and_its_end() -> None:
    """An agent that asks over and over does not hide who decided."""
    steps = [Step(NOW, OLIVIA, "request.hold"), *[Step(NOW, OLIVIA, "request.attach")] * 100, Step(NOW, ALICE, "request.deny")]
    told = texts(messages.one(replace(Whole(make_shown()), trail=steps), team=TEAM).blocks)
    assert "request.hold" in told
    assert "request.deny" in told
    assert "90 rows of the trail are left out" in told
