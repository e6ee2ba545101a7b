"""What Slack should show is in the rows: nothing is posted twice, nothing is forgotten, and what is settled is said once."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlmodel import select

from tests.factories import ALICE, BOB, Scene, make_grant, make_policy
from workflows import cards, lifecycle
from workflows.cards import Due, Kind, Look, Step
from workflows.errors import NotFound
from workflows.lifecycle import Choice
from workflows.people import ApproverGroup, Person
from workflows.tables import Delivery

CHANNEL = "#agent-approvals"
DANA, ERIN = (Person(f"slack:T01TEST/U01{name}") for name in ("DANA", "ERIN"))


def _plan(scene: Scene) -> list[tuple[str, str]]:
    """Plan as the Slack face does, and give what is due."""
    if scene.database.read(cards.unplanned):
        scene.database.write(partial(cards.plan, default_channel=CHANNEL, now=scene.now))
        assert not scene.database.read(cards.unplanned)
    return [(due.kind.value, due.step.value) for due in _due(scene)]


def _due(scene: Scene) -> list[Due]:
    return scene.database.read(partial(cards.due, now=scene.now))


def _do(scene: Scene, verb: Any, delivery_id: str, **facts: Any) -> Delivery:  # noqa: ANN401  # any of the verbs
    row: Delivery = scene.database.write(partial(verb, delivery_id=delivery_id, **facts))
    return row


def _row(scene: Scene, delivery_id: str) -> Delivery | None:
    return scene.database.read(lambda session: session.get(Delivery, delivery_id))


def _rows(scene: Scene) -> dict[str, str]:
    rows = scene.database.read(lambda session: session.exec(select(Delivery)).all())
    return {row.id.split("/", 1)[1]: row.state for row in rows}


def _show(scene: Scene, delivery_id: str, *, channel: str = "C01", ts: str = "1.1") -> Delivery:
    """Post a message that shows its request as it is now."""
    assert _do(scene, cards.begin, delivery_id, now=scene.now)
    version = scene.row(delivery_id.split("/", maxsplit=1)[0]).version
    return _do(scene, cards.posted, delivery_id, channel=channel, ts=ts, version=version, now=scene.now)


def _carded(scene: Scene) -> str:
    """Hold a call whose card is posted."""
    request_id = scene.held()
    _plan(scene)
    _show(scene, f"{request_id}/card")
    return request_id


def _slack_scene(scene: Scene, *, direct: bool = False) -> Scene:
    """Let people of Slack approve, and Dana answer for the agent."""
    group = ApproverGroup("payments", frozenset({ALICE.key, BOB.key, DANA.key, ERIN.key}), direct=direct)
    return scene.declare(group, grants_=[make_grant(owner=DANA.key)])


def test_a_held_call_is_due_a_card_until_it_is_posted(scene: Scene) -> None:
    """In the default channel, planned once however often it is looked at."""
    request_id = scene.held()
    assert _plan(scene) == [("card", "post")]
    assert _plan(scene) == [("card", "post")]
    assert _due(scene) == [Due(f"{request_id}/card", request_id, Kind.CARD, CHANNEL, Step.POST)]
    _show(scene, f"{request_id}/card")
    assert _plan(scene) == []


def test_the_rule_names_the_channel(scene: Scene) -> None:
    """The default channel is for those that name none."""
    scene.policy = make_policy(approval={"approvers": "payments", "channel": "#refunds"})
    scene.held()
    _plan(scene)
    assert [due.target for due in _due(scene)] == ["#refunds"]


def test_a_post_is_begun_by_one(scene: Scene) -> None:
    """Whoever comes second, or after it was posted, is told that there is nothing to post."""
    delivery_id = f"{scene.held()}/card"
    _plan(scene)
    begun = _do(scene, cards.begin, delivery_id, now=scene.now)
    assert (begun.state, begun.attempt) == ("posting", 1)
    assert _do(scene, cards.begin, delivery_id, now=scene.now) is None
    assert _plan(scene) == []
    _do(scene, cards.posted, delivery_id, channel="C01", ts="1.1", version=1, now=scene.now)
    assert _do(scene, cards.begin, delivery_id, now=scene.now) is None


def test_a_card_is_painted_again_whenever_its_request_changed(scene: Scene) -> None:
    """Only the newest version counts, and a painting that shows it makes the card quiet."""
    scene.policy = make_policy(quorum=3)
    request_id = _carded(scene)
    scene.vote(request_id, ALICE)
    row = scene.vote(request_id, BOB)
    assert _plan(scene) == [("card", "paint")]
    _do(scene, cards.painted, f"{request_id}/card", version=row.version - 1, now=scene.now)
    assert _plan(scene) == [("card", "paint")]
    _do(scene, cards.painted, f"{request_id}/card", version=row.version, now=scene.now)
    assert _plan(scene) == []


def test_the_end_of_a_request_is_told_once_on_its_card_in_its_thread_and_to_its_owner(scene: Scene) -> None:
    """The thread and the owner after the card; then nothing is due for ever, whatever the agent does."""
    _slack_scene(scene)
    request_id = _carded(scene)
    row = scene.vote(request_id, ALICE, Choice.DENY)
    assert _plan(scene) == [("card", "paint")]
    _do(scene, cards.painted, f"{request_id}/card", version=row.version, now=scene.now)
    assert _plan(scene) == [("outcome", "post"), ("reply", "post")]
    assert {due.target for due in _due(scene)} == {CHANNEL, DANA.key}
    _show(scene, f"{request_id}/outcome", channel="D01", ts="1.2")
    _show(scene, f"{request_id}/reply", ts="1.3")
    scene.do(lifecycle.collect, request_id)
    assert _plan(scene) == []
    assert set(_rows(scene).values()) == {"done"}


def test_a_card_that_missed_the_end_while_it_was_drawn_is_painted_again(scene: Scene) -> None:
    """The thread waits for the card that shows the end."""
    request_id = scene.held()
    _plan(scene)
    _do(scene, cards.begin, f"{request_id}/card", now=scene.now)
    scene.vote(request_id, ALICE, Choice.DENY)
    _do(scene, cards.posted, f"{request_id}/card", channel="C01", ts="1.1", version=1, now=scene.now)
    assert _plan(scene) == [("card", "paint")]


def test_a_request_that_was_settled_before_its_card_was_posted_gets_none(scene: Scene) -> None:
    """Its owner is told all the same; also when a post had been tried in vain."""
    _slack_scene(scene)
    tried, fresh = f"{scene.held()}/card", f"{scene.held()}/card"
    _plan(scene)
    _do(scene, cards.begin, tried, now=scene.now)
    _do(scene, cards.put_off, tried, problem="nobody answers", retry_at=scene.now)
    for delivery_id in (tried, fresh):
        scene.vote(delivery_id.split("/", maxsplit=1)[0], ALICE, Choice.DENY)
        assert _do(scene, cards.begin, delivery_id, now=scene.now) is None, "also when it was to be posted this very moment"
    assert _plan(scene) == [("outcome", "post"), ("outcome", "post")]
    scene.vote(scene.held(), ALICE, Choice.DENY)
    assert len(_plan(scene)) == 2, "nobody had heard of this one"


def test_what_is_put_off_waits_for_its_time(scene: Scene) -> None:
    """A post that certainly did not happen is tried again, a painting too; the reason is kept, cut and made visible."""
    posting, painting = scene.held(), _carded(scene)
    scene.policy = make_policy(quorum=2)
    scene.vote(painting, ALICE, Choice.DENY)
    later = scene.now + timedelta(seconds=30)
    _do(scene, cards.begin, f"{posting}/card", now=scene.now)
    waiting = _do(scene, cards.put_off, f"{posting}/card", problem="slow \u202e" + "x" * 999, retry_at=later)
    assert (waiting.state, waiting.attempt, waiting.problem) == ("waiting", 1, r"slow \u{202E}" + "x" * 287)
    assert _do(scene, cards.put_off, f"{painting}/card", problem="slow", retry_at=later).state == "posted"
    assert _plan(scene) == []
    scene.later(seconds=30)
    assert _plan(scene) == [("card", "paint"), ("card", "post")]


def test_a_post_that_may_have_happened_is_looked_for(scene: Scene) -> None:
    """Found, it is painted, for nobody knows what it shows; not found, it is posted again. `updated_at` says since when it may exist."""
    begun, delivery_id = scene.now, f"{scene.held()}/card"
    _plan(scene)
    _do(scene, cards.begin, delivery_id, now=begun)
    scene.later(seconds=5)
    row = _do(scene, cards.uncertain, delivery_id, problem="no answer", retry_at=scene.now)
    assert (row.state, row.updated_at) == ("uncertain", begun)
    assert _plan(scene) == [("card", "find")]
    _do(scene, cards.put_off, delivery_id, problem="not there", retry_at=scene.now)
    assert _plan(scene) == [("card", "post")]
    _do(scene, cards.begin, delivery_id, now=scene.now)
    _do(scene, cards.uncertain, delivery_id, problem="no answer", retry_at=scene.now)
    _do(scene, cards.posted, delivery_id, channel="C01", ts="1.1", version=0, now=scene.now)
    assert _plan(scene) == [("card", "paint")]


def test_after_a_restart_whatever_was_being_posted_may_exist(scene: Scene) -> None:
    """T29: it is looked for before it is posted again, but not what somebody is posting right now."""
    delivery_id = f"{scene.held()}/card"
    _plan(scene)
    _do(scene, cards.begin, delivery_id, now=scene.now)
    assert scene.database.write(partial(cards.recover, besides=[delivery_id])) == 0
    assert scene.database.write(cards.recover) == 1
    assert _plan(scene) == [("card", "find")]
    assert scene.database.write(cards.recover) == 0


def test_a_removed_card_is_posted_again_even_after_the_end(scene: Scene) -> None:
    """Who saw the question is shown the answer. A removed word is left removed."""
    request_id = _carded(scene)
    row = scene.vote(request_id, ALICE, Choice.DENY)
    _do(scene, cards.lost, f"{request_id}/card", now=scene.now)
    assert _plan(scene) == [("card", "post")]
    shown = _show(scene, f"{request_id}/card", ts="2.2")
    assert (shown.state, shown.shown_version) == ("done", row.version)
    assert _plan(scene) == [("reply", "post")]
    _do(scene, cards.lost, f"{request_id}/reply", now=scene.now)
    assert _plan(scene) == []


def test_a_place_that_takes_no_card_is_left_for_the_fallback_and_both_are_audited(scene: Scene) -> None:
    """Where that takes none either, the approvers who are in Slack are told directly, but not the owner of the agent."""
    _slack_scene(scene)
    request_id = scene.held()
    _plan(scene)
    _do(scene, cards.begin, f"{request_id}/card", now=scene.now)
    row = _do(scene, cards.failed, f"{request_id}/card", problem="is_archived", fallback="#fallback", now=scene.now)
    assert (row.state, row.target, row.attempt) == ("waiting", "#fallback", 0)
    assert scene.last(request_id) == {"fallback": "#fallback", "kind": "card", "place": CHANNEL, "why": "is_archived"}
    _do(scene, cards.begin, f"{request_id}/card", now=scene.now)
    _do(scene, cards.failed, f"{request_id}/card", problem="not_in_channel", fallback=None, now=scene.now)
    assert scene.events(request_id)[-2:] == ["card.fallback", "card.failed"]
    assert [(due.kind, due.target) for due in _due(scene)] == [(Kind.DIRECT, ERIN.key)]
    _show(scene, f"{request_id}/direct/{ERIN.key}", channel="D02")
    scene.vote(request_id, ALICE, Choice.DENY)
    assert _plan(scene) == [("direct", "paint"), ("outcome", "post")]
    assert _rows(scene)["card"] == "done"


def test_each_approver_is_told_directly_where_the_group_wants_that(scene: Scene) -> None:
    """Painted again only when the vote is no longer wanted; what was not posted by then is not."""
    scene.policy = make_policy(quorum=2)
    _slack_scene(scene, direct=True)
    scene.declare(ApproverGroup("payments", frozenset({ALICE.key, DANA.key, ERIN.key}), self_approval=True, direct=True))
    request_id = _carded(scene)
    assert {due.target for due in _due(scene)} == {DANA.key, ERIN.key}
    _show(scene, f"{request_id}/direct/{ERIN.key}", channel="D02")
    scene.vote(request_id, ALICE)
    assert sorted(_plan(scene)) == [("card", "paint"), ("direct", "post")]
    scene.cancel(request_id, ALICE)
    assert sorted(_plan(scene)) == [("card", "paint"), ("direct", "paint")]


def test_each_reminder_is_said_once_in_the_thread(scene: Scene) -> None:
    """After the card, once for each time; one that nobody needs any more is left out."""
    scene.policy = make_policy(approval={"approvers": "payments", "expires_in": "30m", "remind_every": "5m"})
    request_id = scene.held()
    scene.later(minutes=5)
    scene.do(lifecycle.remind, request_id)
    assert _plan(scene) == [("card", "post")]
    _show(scene, f"{request_id}/card")
    assert _plan(scene) == [("reminder", "post")]
    first = _due(scene)[0].id
    _show(scene, first, ts="1.2")
    assert _plan(scene) == []
    scene.later(minutes=5)
    scene.do(lifecycle.remind, request_id)
    assert _plan(scene) == [("card", "paint"), ("reminder", "post")]
    assert _due(scene)[1].id != first
    scene.cancel(request_id, ALICE)
    assert _plan(scene) == [("card", "paint")]


def test_what_shows_something_old_comes_before_what_is_new(scene: Scene) -> None:
    """Then the oldest request first."""
    shown = _carded(scene)
    ids: list[str] = []
    for _ in range(3):
        scene.later(seconds=1)
        ids.append(scene.held())
    _plan(scene)
    scene.vote(shown, ALICE, Choice.DENY)
    assert [due.request_id for due in _due(scene)] == [shown, *ids]
    assert len(scene.database.read(partial(cards.due, now=scene.now, limit=1))) == 2, "the limit is for each kind of step"


def test_a_card_in_doubt_is_painted_last_and_a_change_makes_it_first(scene: Scene) -> None:
    """Only cards that people wait on and that are thought to be true; doubting twice is doubting once."""
    scene.policy = make_policy(quorum=2)
    shown, changed = _carded(scene), _carded(scene)
    scene.held()
    scene.vote(changed, ALICE)
    for _ in range(2):
        scene.database.write(cards.doubt)
        assert _plan(scene) == [("card", "paint"), ("card", "post"), ("card", "check")]
    scene.vote(shown, ALICE)
    assert _plan(scene) == [("card", "paint"), ("card", "paint"), ("card", "post")]
    _do(scene, cards.painted, f"{shown}/card", version=scene.row(shown).version, now=scene.now)
    assert _plan(scene) == [("card", "paint"), ("card", "post")]
    scene.database.write(cards.doubt)
    row = scene.cancel(shown, ALICE)
    _do(scene, cards.lost, f"{shown}/card", now=scene.now)
    assert _show(scene, f"{shown}/card", ts="3.3").shown_version == row.version, "it had been shown, so its end is"


def test_a_message_is_known_by_its_place_and_by_its_request(scene: Scene) -> None:
    """A copy that nobody wrote down is not ours."""
    request_id = _carded(scene)

    def known(channel: str, ts: str) -> Delivery | None:
        return scene.database.read(partial(cards.at, channel=channel, ts=ts))

    found = known("C01", "1.1")
    assert found is not None
    assert found.id == f"{request_id}/card"
    assert known("C01", "1.2") is None
    assert known("C02", "1.1") is None
    card = scene.database.read(partial(cards.card_of, request_id=request_id))
    assert card is not None
    assert (card.channel, card.ts) == ("C01", "1.1")
    assert scene.database.read(partial(cards.card_of, request_id=scene.held())) is None
    assert scene.database.read(partial(cards.place_of, target=CHANNEL)) == "C01"
    assert scene.database.read(partial(cards.place_of, target="#other")) is None


def test_a_look_has_the_message_its_request_and_the_card(scene: Scene) -> None:
    """Everything that a drawing is made from, read at once."""
    request_id = _carded(scene)
    seen: Look | None = scene.database.read(partial(cards.look, delivery_id=f"{request_id}/card"))
    assert seen is not None
    assert seen.card is not None
    assert (seen.delivery.id, seen.view.request.id, seen.card.ts) == (f"{request_id}/card", request_id, "1.1")
    assert scene.database.read(partial(cards.look, delivery_id="apr_0/card")) is None


def test_nothing_is_written_about_a_message_that_is_not_there(scene: Scene) -> None:
    """It is a refusal like every other."""
    with pytest.raises(NotFound, match="There is no message apr_0/card"):
        _do(scene, cards.painted, "apr_0/card", version=1, now=scene.now)


def test_what_was_said_of_many_requests_is_left_alone(scene: Scene) -> None:
    """Looking again finds nothing, and writes nothing."""
    ids = [scene.held(max_pending=100) for _ in range(20)]
    _plan(scene)
    for number, request_id in enumerate(ids):
        _show(scene, f"{request_id}/card", ts=f"1.{number}")
    assert _due(scene) == []
    assert scene.database.read(cards.unplanned) is False


def test_time_of_a_row_is_utc(scene: Scene) -> None:
    """On both databases."""
    _carded(scene)
    rows = scene.database.read(lambda session: session.exec(select(Delivery.updated_at)).all())
    assert [at for at in rows if isinstance(at, datetime) and at == scene.now]
