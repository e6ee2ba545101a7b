"""The Home, drawn: what each tab shows, which buttons it has, and that Slack takes it whatever others wrote."""

import json
from typing import Any

import pytest

from bot.slack import home
from bot.slack.home import Count, GroupRow, Home, Row
from bot.slack.ids import Action, Touched, touched
from bot.slack.search import Search
from bot.slack.shapes import Difference
from bot.slack.whereabouts import Place, Tab
from tests.unit.bot.slack.looked_at import (
    ALICE,
    MARK,
    NOW,
    OLIVIA,
    TEAM,
    actions,
    make_arguments,
    make_shown,
    nasty,
    objects,
    refused,
    texts,
)
from workflows.states import State


def drawn(tab: Tab = Tab.WAITING, **facts: Any) -> dict[str, Any]:  # noqa: ANN401  # the fields of Home
    """Draw a Home at one tab."""
    facts = {"place": Place(tab), "desk_url": "https://desk.example", **facts}
    return home.view(Home(team=TEAM, at=NOW, **facts))


def values(view: dict[str, Any], action: Action) -> list[str]:
    """Give what the buttons of one kind carry."""
    return [each["value"] for each in objects(view) if each.get("action_id") == action]


@pytest.mark.parametrize("tab", list(Tab))
def test_every_tab_fits_slack_at_its_largest(tab: Tab) -> None:
    """T04: ten rows of hostile names at every tab are taken, without markup, in one view of at most 100 blocks and 250 kB."""
    group = GroupRow(
        "g" * 64, tuple(f"slack:{TEAM}/U{n:08}" for n in range(300)), (f"slack:{TEAM}/S01",), channel="#" + "c" * 79, problem="p"
    )
    view = drawn(
        tab,
        rows=[
            Row(nasty(number, high_risk=True, state=state), may=True) for number, state in zip(range(10), [*State, State.LOST], strict=True)
        ],
        groups=[group] + [GroupRow(f"g{number}", (ALICE, "local:bob")) for number in range(9)],
        counts=[Count("Last 7 days", 3, 90.4, 2, 1, 1, 1)] * 3,
        older="apr_1",
        admin=True,
        place=Place(tab, page=3, befores=("apr_2",), search=Search(words="x" * 200)),
        notes=["A note"],
    )
    assert refused(view["blocks"]) == []
    assert len(json.dumps(view)) < 250_000
    assert "title" not in view


def test_the_active_tab_is_marked_and_counts_stand_on_the_tabs() -> None:
    """Who opens the Home sees how much waits for them without opening anything."""
    view = drawn(Tab.PENDING, waiting=2, pending=5)
    tabs = view["blocks"][0]["elements"]
    assert [tab["text"]["text"] for tab in tabs] == ["Waiting for you (2)", "Pending (5)", "History", "Groups", "Figures"]
    assert [tab["action_id"] for tab in tabs if tab.get("style") == "primary"] == ["af_tab.pending"]


def test_a_row_that_waits_carries_the_request_and_the_mark_of_what_was_seen() -> None:
    """T05: approve, deny and ask for changes say what the reader saw."""
    view = drawn(rows=[Row(make_shown(7), may=True)])
    for action in (Action.APPROVE, Action.DENY, Action.CHANGES, Action.OPEN):
        [value] = values(view, action)
        assert touched(value) == Touched(f"apr_{7:032x}", MARK)


def test_a_row_that_waits_says_who_answers_for_it_and_its_risk() -> None:
    """T25: whoever decides in the Home has the facts that a card has."""
    view = drawn(rows=[Row(make_shown(risk="high", owner=OLIVIA, quorum=2, needed=1), may=True)])
    said = texts(view)
    assert "Owner of the agent: " in said
    assert "U01OLIVIA" in [each.get("user_id") for each in objects(view)]
    assert "Risk: high." in said
    assert "1 of 2 approvals" in said


def test_a_row_that_waits_says_what_the_tool_is_like_and_what_is_hidden() -> None:
    """Category and signals, and what the policy hides; a changed definition is opened before it is approved."""
    shown = make_shown(risk="Destructive · Critical risk", signals=("Bulk operation", "Free-form query"))
    said = texts(drawn(rows=[Row(shown, may=True)]))
    assert "Risk: Destructive · Critical risk." in said
    assert "Signals: Bulk operation; Free-form query" in said
    hides = make_arguments(hides=("args.customer.email", "text that a pattern finds"))
    changed = make_shown(arguments=hides, difference=Difference("-a\n+b", "-a\n+b", cut=False, hidden="", pages=("-a\n+b",)))
    view = drawn(rows=[Row(changed, may=True)])
    assert "The policy hides args.customer.email, text that a pattern finds." in texts(view)
    assert "The definition of this tool changed since it was accepted." in texts(view)
    assert Action.APPROVE not in actions(view)
    assert Action.REVIEW in actions(view)


def test_cut_arguments_cannot_be_approved_from_a_row() -> None:
    """T02: where something is hidden there is no Approve; the whole is opened first."""
    shown = make_shown(arguments=make_arguments(cut=True, hidden="12 lines hidden"))
    view = drawn(rows=[Row(shown, may=True)])
    assert Action.APPROVE not in actions(view)
    assert Action.REVIEW in actions(view)
    assert "12 lines hidden" in texts(view)


def test_an_approval_that_needs_words_asks_for_them() -> None:
    """Where the policy wants a reason the button opens the form."""
    view = drawn(rows=[Row(make_shown(approve_needs_reason=True), may=True)])
    assert Action.APPROVE_WITH in actions(view)
    assert Action.APPROVE not in actions(view)


def test_a_call_of_high_risk_is_confirmed() -> None:
    """T25: what may do harm is asked twice, what does not is not."""
    view = drawn(rows=[Row(make_shown(1, high_risk=True), may=True), Row(make_shown(2), may=True)])
    buttons = [each for each in objects(view) if each.get("action_id") == Action.APPROVE]
    assert ["confirm" in button for button in buttons] == [True, False]


@pytest.mark.parametrize("tab", [Tab.PENDING, Tab.HISTORY])
def test_only_what_waits_for_its_reader_has_buttons_that_decide(tab: Tab) -> None:
    """The other lists are for looking."""
    view = drawn(tab, rows=[Row(make_shown())])
    assert {Action.APPROVE, Action.DENY, Action.CHANGES, Action.REVIEW}.isdisjoint(actions(view))


def test_who_is_refused_sees_the_sentence_and_nothing_else() -> None:
    """T32: no tab, no count and no row is drawn for somebody who may see nothing."""
    view = drawn(refused="You are in no approver group.", rows=[Row(make_shown())], waiting=3)
    assert actions(view) == []
    assert "create_refund" not in json.dumps(view)


def test_group_buttons_are_for_administrators_and_not_for_declared_groups() -> None:
    """What stands in the config file is changed there."""
    rows = [GroupRow("ops", (ALICE,)), GroupRow("payments", (ALICE,), declared=True)]
    assert values(drawn(Tab.GROUPS, groups=rows, admin=True), Action.GROUP_EDIT) == ["ops"]
    assert "declared in the config file" in texts(drawn(Tab.GROUPS, groups=rows))
    assert {Action.GROUP_EDIT, Action.GROUP_DELETE, Action.GROUP_NEW}.isdisjoint(actions(drawn(Tab.GROUPS, groups=rows)))


def test_a_group_of_nobody_says_that_it_denies() -> None:
    """T27: an empty group is nobody, and says so."""
    assert "Nobody" in texts(drawn(Tab.GROUPS, groups=[GroupRow("empty", ())]))


def test_what_waits_now_is_told_once() -> None:
    """It is the same whatever time the figures are of."""
    said = texts(drawn(Tab.FIGURES, counts=[Count("Last 24 hours", 3, 90.4, 2, 1, 1, 1), Count("Last 7 days", 3, 90.4, 2, 1, 1, 1)]))
    assert said.count("Waiting now: 3") == 1
    assert said.count("Expired without an answer: 1") == 2


def test_pages_are_turned_only_where_there_are_any() -> None:
    """The first and only page has neither button."""
    assert {Action.OLDER, Action.NEWER}.isdisjoint(actions(drawn(Tab.HISTORY, rows=[Row(make_shown())])))
    view = drawn(Tab.HISTORY, older="apr_9", place=Place(Tab.HISTORY, befores=("apr_5",)))
    assert values(view, Action.OLDER) == ["apr_9"]
    assert Action.NEWER in actions(view)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "nothing was decided"), (0.2, "under a second"), (59.6, "1 min"), (3_700, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_a_duration_is_told_in_two_units(seconds: float | None, told: str) -> None:
    """Nobody has to count seconds."""
    assert home.duration(seconds) == told
