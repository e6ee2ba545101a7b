"""The read side shows what is, in the order in which people need it."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.factories import ALICE, BOB, CAROL, NOW, OLIVIA, PAYMENTS, Scene, make_call, make_grant, make_policy
from workflows import groups, lifecycle, queries
from workflows.lifecycle import Choice, Outcome
from workflows.people import ApproverGroup
from workflows.queries import Figures, Filters, Page, RequestView


def _inbox(scene: Scene, person: str | None = None) -> list[str]:
    return [view.request.id for view in scene.database.read(partial(queries.inbox, person=person))]


def _one(scene: Scene, request_id: str) -> RequestView:
    view = scene.database.read(partial(queries.one, request_id=request_id))
    assert view is not None
    return view


def _history(scene: Scene, *, limit: int = 50, before: str | None = None, **filters: Any) -> Page:  # noqa: ANN401  # fields of Filters
    return scene.database.read(partial(queries.history, filters=Filters(**filters), limit=limit, before=before))


def _found(scene: Scene, **filters: Any) -> set[str]:  # noqa: ANN401  # as above
    return {view.request.id for view in _history(scene, **filters).rows}


def _ended(scene: Scene, outcome: Outcome) -> str:
    request_id = scene.approved()
    scene.claim(request_id)
    return scene.finish(request_id, outcome).id


def test_the_inbox_shows_what_is_alive_and_waits_longest_and_then_what_was_lost(scene: Scene) -> None:
    """What was lost last comes first of its kind; what is settled otherwise is history."""
    lost = _ended(scene, Outcome("unknown", b""))
    scene.later(seconds=1)
    lost_later = _ended(scene, Outcome("unknown", b""))
    scene.later(seconds=1)
    pending = scene.held()
    scene.later(seconds=1)
    approved = scene.approved()
    scene.later(seconds=1)
    releasing = scene.approved()
    scene.claim(releasing)
    _ended(scene, Outcome("result", b"{}"))
    scene.cancel(scene.held(), ALICE)
    assert _inbox(scene) == [pending, approved, releasing, lost_later, lost]


def test_neither_what_was_lost_nor_what_others_decide_pushes_a_request_out_of_the_inbox(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inbox is bounded: who may decide sees what they may decide, however much else there is and however old it is."""
    monkeypatch.setattr(queries, "_MOST", 2)
    monkeypatch.setattr(queries, "_MOST_LOST", 2)
    lost = []
    for _ in range(3):
        lost.append(_ended(scene, Outcome("unknown", b"")))
        scene.later(seconds=1)
    day = ApproverGroup("payments", frozenset({ALICE.key, BOB.key}))
    scene.declare(day, ApproverGroup("night", frozenset({CAROL.key})))
    others = [scene.held() for _ in range(3)]
    scene.later(seconds=1)
    scene.policy = make_policy(approval={"approvers": "night"})
    hers = scene.held()
    assert _inbox(scene, CAROL.key)[0] == hers
    assert _inbox(scene, BOB.key)[2:] == [lost[2], lost[1]]
    assert set(_inbox(scene, BOB.key)[:2]) < set(others)


def test_the_inbox_begins_with_what_the_person_can_decide(scene: Scene) -> None:
    """Then the rest, each in its order."""
    scene.policy = make_policy(quorum=2)
    voted = scene.held()
    scene.vote(voted, ALICE)
    scene.later(seconds=1)
    fresh = scene.held()
    assert _inbox(scene, ALICE.key) == [fresh, voted]
    assert _inbox(scene, BOB.key) == [voted, fresh]
    assert _inbox(scene, OLIVIA.key) == [voted, fresh]


def test_one_request_is_shown_with_votes_trail_group_and_the_one_before(scene: Scene) -> None:
    """`needed` counts the approvals that are missing of people who have the right today."""
    call = make_call()
    before = scene.held(call=call)
    scene.vote(before, ALICE, Choice.DENY)
    scene.do(lifecycle.collect, before)
    scene.later(minutes=10)
    scene.policy = make_policy(quorum=2)
    request_id = scene.held(call=call)
    scene.vote(request_id, ALICE, reason="Fine.")
    view = _one(scene, request_id)
    assert [(vote.voter, vote.choice, vote.reason, vote.via) for vote in view.votes] == [(ALICE.key, "approve", "Fine.", "cli")]
    assert view.needed == 1
    assert [row.event for row in view.trail] == ["request.hold", "request.vote"]
    assert view.group == PAYMENTS
    assert view.previous is not None
    assert view.previous.id == before
    scene.declare(ApproverGroup("payments", frozenset({BOB.key, CAROL.key})))
    assert _one(scene, request_id).needed == 2
    scene.vote(request_id, BOB)
    scene.vote(request_id, CAROL)
    assert _one(scene, request_id).needed == 0


def test_a_long_trail_is_shown_from_its_first_row_and_its_last(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out between is counted: an agent that comes and goes for hours fills no page."""
    request_id = scene.held()
    for _ in range(5):
        scene.do(lifecycle.leave, request_id)
        scene.do(lifecycle.attach, request_id)
    whole = _one(scene, request_id).trail
    assert (len(whole), _one(scene, request_id).left_out) == (11, 0)
    for most, left_out in ((11, 0), (10, 0), (9, 1), (3, 7)):
        monkeypatch.setattr(queries, "_MOST_TRAIL", most)
        view = _one(scene, request_id)
        assert (view.trail, view.left_out) == ((*whole[:1], *whole[1:][-most:]), left_out)


@pytest.mark.parametrize("request_id", ["apr_0", "", "apr_\0", "apr_\ud800", "%", "apr_" * 100])
def test_what_is_not_there_is_none(scene: Scene, request_id: str) -> None:
    """Whatever was typed."""
    assert scene.database.read(partial(queries.one, request_id=request_id)) is None
    assert scene.database.read(partial(queries.why_not_vote, request_id=request_id, person=ALICE.key)) == "There is no such request."


def test_history_is_searched_by_words_and_filters(scene: Scene) -> None:
    """All words must appear somewhere; signs that a search would take for patterns are themselves."""
    scene.declare(grants_=[make_grant(), make_grant("other-agent", owner=BOB.key)])
    first = scene.held()
    scene.vote(first, ALICE, Choice.DENY, reason="Wrong 100% order_7")
    scene.later(hours=1)
    second = scene.held(label="other-agent")
    scene.vote(second, CAROL)
    both = {first, second}
    assert _found(scene) == both
    assert _found(scene, words="wrong ORDER") == {first}
    assert _found(scene, words="wrong refund") == {first}
    assert _found(scene, words="100%") == {first}
    assert _found(scene, words="%") == {first}
    assert _found(scene, words="order_7") == {first}
    assert _found(scene, words="order-7") == set()
    assert _found(scene, words=first[:12]) == {first}
    assert _found(scene, words="nothing like it") == set()
    assert _found(scene, tool="create_refund") == both
    assert _found(scene, tool="create") == set()
    assert _found(scene, server="payments") == both
    assert _found(scene, agent="other-agent") == {second}
    assert _found(scene, state="denied") == {first}
    assert _found(scene, person=ALICE.key) == {first}
    assert _found(scene, person=BOB.key) == {second}
    assert _found(scene, since=NOW + timedelta(minutes=1)) == {second}
    assert _found(scene, until=NOW + timedelta(minutes=1)) == {first}
    assert _found(scene, since=NOW, until=NOW + timedelta(hours=1, microseconds=1)) == both
    assert _found(scene, state="denied", agent="other-agent") == set()


@pytest.mark.parametrize("field", ["words", "tool", "server", "agent", "person", "state"])
@pytest.mark.parametrize("text", ["\0", "\ud800", "'; DROP TABLE requests; --", "x" * 5000, "\\", "é"])
def test_whatever_is_typed_into_a_search_finds_nothing_and_breaks_nothing(scene: Scene, field: str, text: str) -> None:
    """No database takes NUL or half a character, so nothing that is stored holds them."""
    request_id = scene.held()
    assert _found(scene, **{field: text}) == set()
    assert _found(scene) == {request_id}


def test_history_comes_in_pages_newest_first(scene: Scene) -> None:
    """Every request once, those of the same moment too; a page that was asked for with nonsense is the first."""
    ids = []
    for number in range(7):
        ids.append(scene.held())
        if number % 2:
            scene.later(seconds=1)
    seen: list[str] = []
    before = None
    while True:
        page = _history(scene, limit=2, before=before)
        seen += [view.request.id for view in page.rows]
        before = page.before
        if before is None:
            break
        assert len(page.rows) == 2
    assert sorted(seen) == sorted(ids)
    times = [scene.row(request_id).held_at for request_id in seen]
    assert times == sorted(times, reverse=True)
    assert _history(scene, limit=2, before="apr_\0").rows == _history(scene, limit=2).rows


def test_why_somebody_may_not_vote_is_what_the_verb_would_say(scene: Scene) -> None:
    """None for who may; a sentence for the rest."""
    request_id = scene.held()
    why = partial(queries.why_not_vote, request_id=request_id)
    assert scene.database.read(partial(why, person=ALICE.key)) is None
    assert "You answer for this agent" in (scene.database.read(partial(why, person=OLIVIA.key)) or "")
    assert scene.database.read(partial(why, person=OLIVIA.key, choice=Choice.DENY)) is None
    assert "not in the approver group" in (scene.database.read(partial(why, person="local:mallory")) or "")
    scene.vote(request_id, ALICE)
    assert scene.database.read(partial(why, person=BOB.key)) == "This request is approved."


def test_who_decides_sees_what_is_decided(scene: Scene) -> None:
    """Approvers and the owner see arguments as they are, others do not."""
    view = _one(scene, scene.held())
    assert [queries.may_see_secrets(view, person) for person in (ALICE.key, OLIVIA.key, "local:mallory", "")] == [True, True, False, False]
    scene.declare(ApproverGroup("others", PAYMENTS.members))
    view = _one(scene, view.request.id)
    assert [queries.may_see_secrets(view, person) for person in (ALICE.key, OLIVIA.key)] == [False, True]


def test_what_is_due_is_named_by_verb(scene: Scene) -> None:
    """Each living request under what has to be done with it now; a settled one nowhere."""
    scene.policy = make_policy(approval={"approvers": "payments", "expires_in": "30m", "remind_every": "5m"})
    old = scene.held()
    scene.later(minutes=20)
    pending, approved, left, releasing = scene.held(), scene.approved(), scene.approved(), scene.approved()
    scene.do(lifecycle.leave, left)
    scene.claim(releasing)
    scene.cancel(scene.held(), ALICE)
    scene.later(minutes=10)
    due = scene.database.read(partial(queries.due, now=scene.now))
    assert due == {"release": [approved], "expire": [old], "abandon": [left], "remind": [pending], "reap": [releasing]}


def test_the_longest_approved_is_released_first(scene: Scene) -> None:
    """Not the longest held."""
    first, second = scene.held(), scene.held()
    scene.later(seconds=1)
    scene.vote(second, ALICE)
    scene.later(seconds=1)
    scene.vote(first, ALICE)
    assert scene.database.read(partial(queries.due, now=scene.now))["release"] == [second, first]


def test_versions_show_what_changed(scene: Scene) -> None:
    """Of as many requests as are asked for; unknown ones are left out."""
    first, second = scene.held(), scene.approved()
    asked = [first, second, "apr_0", *(f"apr_x{number}" for number in range(1200))]
    assert scene.database.read(partial(queries.versions, ids=asked)) == {first: 1, second: 2}
    assert scene.database.read(partial(queries.versions, ids=[])) == {}


def test_figures_tell_how_people_answer(scene: Scene) -> None:
    """What waits; and since a moment: what was decided, how long it took in the middle, and what nobody answered."""
    look = partial(queries.figures, since=NOW)
    nothing = scene.database.read(partial(look, now=NOW))
    assert nothing == Figures(waiting=0, median_seconds=None, decided=0, expired=0, approved=0, denied=0, since=NOW)
    unanswered, never_run = scene.held(), scene.held()
    withdrawn, left, approved, denied, ran = (scene.held() for _ in range(5))
    scene.later(seconds=10)
    scene.vote(approved, ALICE)
    scene.later(seconds=10)
    scene.vote(denied, ALICE, Choice.DENY)
    scene.vote(never_run, ALICE)
    scene.later(seconds=30)
    scene.vote(ran, ALICE)
    scene.claim(ran)
    scene.finish(ran)
    for key in (withdrawn, left):
        scene.vote(key, ALICE)
    scene.cancel(withdrawn, ALICE)
    scene.do(lifecycle.leave, left)
    scene.later(minutes=2)
    scene.do(lifecycle.abandon, left)
    found = scene.database.read(partial(look, now=scene.now))
    assert (found.waiting, found.approved, found.denied, found.decided, found.expired) == (1, 4, 1, 5, 0)
    assert found.median_seconds == 20.0, "of 10, 20, 20, 50 and 50"
    scene.later(minutes=30)
    assert scene.database.read(partial(look, now=scene.now)).waiting == 0, "its time is over, whether or not a sweep came by"
    for key in (unanswered, never_run, approved):
        scene.do(lifecycle.expire, key)
    found = scene.database.read(partial(look, now=scene.now))
    assert (found.approved, found.decided, found.expired) == (4, 5, 1), "one that was approved and never ran was answered all the same"
    later = scene.database.read(partial(queries.figures, since=scene.now, now=scene.now))
    assert (later.decided, later.expired, later.since) == (0, 1, scene.now)


def test_who_is_in_a_slack_user_group_finds_what_waits_for_them(scene: Scene) -> None:
    """By those who were read last, however long ago: to look is not to decide."""
    oncall, dora = "slack:T01TEST/S01ONCALL", "slack:T01TEST/U01DORA"
    scene.declare(ApproverGroup("payments", frozenset({ALICE.key}), user_groups=frozenset({oncall})))
    scene.database.write(partial(groups.note_user_group, key=oncall, handle="oncall", members=[dora], now=scene.now))
    request_id = scene.held()
    scene.later(minutes=20)
    assert scene.database.read(partial(queries.why_not_vote, request_id=request_id, person=dora)) is None
    [view] = scene.database.read(partial(queries.inbox, person=dora))
    assert (view.request.id, queries.may_see_secrets(view, dora)) == (request_id, True)
