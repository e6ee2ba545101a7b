"""A limit is used before a call goes, all or nothing, by one statement that decides; what is given back goes where it was taken."""

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlmodel import Session, select

from tests.factories import ALICE, NOW, Scene, make_call, make_policy
from workflows import counters
from workflows.calls import JSON
from workflows.counters import Charge, Refused, charges
from workflows.database import Database
from workflows.lifecycle import Outcome
from workflows.policy import Limit, Scope, Window, evaluate
from workflows.policy.limit_rules import LARGEST_SUM
from workflows.policy.limits import MICRO
from workflows.states import State
from workflows.tables import Counter

MINUTE = NOW.replace(second=0)
HOUR = MINUTE.replace(minute=0)


def _limit(most: int = 2, *, name: str = "refunds", window: Window = Window.MINUTE, scope: Scope = Scope.GRANT) -> Limit:
    return Limit(f"/tools/create_refund/limits/{name}", name, window, most, scope)


def _spend(amount: str, most: int = 1000, *, message: str = "") -> Limit:
    """A limit on the sum of an argument, as a call of this amount has it."""
    units = int(Decimal(amount) * MICRO)
    place = "/tools/create_refund/limits/spend"
    return Limit(place, "spend", Window.HOUR, most, Scope.GRANT, increment_from=("amount",), amount=units, message=message)


def _charged(*limits: Limit, now: datetime = NOW, grant: str = "gr_1", tool: str = "create_refund") -> tuple[Charge, ...]:
    return charges(limits, grant=grant, server="payments", tool=tool, now=now)


def _reserve(scene: Scene, wanted: Sequence[Charge], now: datetime = NOW) -> Refused | None:
    return scene.database.write(partial(counters.reserve, wanted=wanted, now=now))


def _used(scene: Scene) -> dict[datetime, int]:
    """Give how much was used in each window, of all counters together."""
    rows = scene.database.read(lambda session: session.exec(select(Counter)).all())
    used: dict[datetime, int] = {}
    for row in rows:
        used[row.window_start] = used.get(row.window_start, 0) + row.used
    return used


def test_a_limit_lets_so_many_through_and_says_when_to_come_back(scene: Scene) -> None:
    """Two a minute: the third waits for the next full minute, where it passes."""
    limit = _limit(2)
    assert [_reserve(scene, _charged(limit)) for _ in range(3)] == [None, None, Refused(limit, MINUTE + timedelta(minutes=1))]
    later = MINUTE + timedelta(minutes=1)
    assert _reserve(scene, _charged(limit, now=later), later) is None
    assert _used(scene) == {MINUTE: 2, later: 1}


def test_a_limit_of_nothing_lets_nothing_through(scene: Scene) -> None:
    """Not even the first of a window, which no row is there to be compared with."""
    assert _reserve(scene, _charged(_limit(0))) is not None
    assert _used(scene) == {}


def test_amounts_add_up_exactly(scene: Scene) -> None:
    """Ten times 0.1 is 1: the eleventh finds nothing left, not even a millionth."""
    for _ in range(10):
        assert _reserve(scene, _charged(_spend("0.1", 1))) is None
    assert _used(scene) == {HOUR: MICRO}
    assert _reserve(scene, _charged(_spend("0.000001", 1))) is not None


def test_an_amount_passes_as_long_as_it_fits_and_the_refusal_says_what_is_left(scene: Scene) -> None:
    """A refusal uses nothing, and a smaller call after it passes up to the last bit."""
    assert _reserve(scene, _charged(_spend("880"))) is None
    refused = _reserve(scene, _charged(_spend("120.5")))
    assert refused == Refused(_spend("120.5"), HOUR + timedelta(hours=1), 120 * MICRO)
    assert refused is not None
    said = "The limit of 1000 an hour is used up but for 120 (spend), and this call uses more. Try again at 2026-01-15T13:00:00Z."
    assert refused.sentence == said
    assert _reserve(scene, _charged(_spend("120"))) is None
    assert _used(scene) == {HOUR: 1000 * MICRO}


@pytest.mark.parametrize("before", [None, "1"], ids=["the first of a window", "a later one"])
def test_an_amount_that_fits_in_no_window_is_refused_for_ever(scene: Scene, before: str | None) -> None:
    """Trying again later does not help, so no time is named; and nothing of the other limits is used."""
    if before:
        _reserve(scene, _charged(_spend(before)))
    refused = _reserve(scene, _charged(_spend("1000.000001"), _limit(9, name="a", window=Window.DAY)))
    assert refused is not None
    assert refused.retry_at is None
    assert refused.sentence == "args.amount is more than ever fits in the limit of 1000 an hour (spend): send a smaller amount."
    assert _used(scene) == ({HOUR: MICRO} if before else {})


def test_an_amount_of_nothing_passes_and_is_not_counted(scene: Scene) -> None:
    """Also where the limit is used up, and where it lets nothing through."""
    assert _reserve(scene, _charged(_spend("1000"))) is None
    assert _reserve(scene, _charged(_spend("0"))) is None
    assert _reserve(scene, _charged(_spend("0", 0))) is None
    assert _used(scene) == {HOUR: 1000 * MICRO}


def test_the_largest_amounts_are_counted_exactly(scene: Scene) -> None:
    """As far as a limit reaches, which is more than 32 bits hold and more than a float tells apart."""
    most = LARGEST_SUM
    assert _reserve(scene, _charged(_spend(str(most - 1), most))) is None
    assert _reserve(scene, _charged(_spend("1.000001", most))) is not None
    assert _reserve(scene, _charged(_spend("1", most))) is None
    assert _used(scene) == {HOUR: most * MICRO}


def test_a_refusal_speaks_in_the_words_of_the_policy(scene: Scene) -> None:
    """And adds when to try again, or that a smaller amount is to be sent."""
    limit = replace(_limit(0), message="No refunds by machines.")
    refused = _reserve(scene, _charged(limit))
    assert refused is not None
    assert refused.sentence == "No refunds by machines. The limit of 0 calls a minute lets nothing through (refunds), now or later."
    _reserve(scene, _charged(_spend("1000")))
    refused = _reserve(scene, _charged(_spend("1", message="Enough for now.")))
    assert refused is not None
    assert refused.sentence == "Enough for now. Try again at 2026-01-15T13:00:00Z."


def test_what_is_used_can_be_read_by_name(scene: Scene) -> None:
    """In the window of now; what nobody used is 0."""
    calls, spend, other = _limit(9), _spend("2.5"), _limit(9, name="other")
    _reserve(scene, _charged(calls, spend))
    _reserve(scene, _charged(calls))

    def read(now: datetime) -> dict[str, int]:
        look = partial(counters.read, limits=[calls, spend, other], grant="gr_1", server="payments", tool="create_refund", now=now)
        return scene.database.read(look)

    assert read(NOW) == {calls.name: 2, spend.name: 2_500_000, other.name: 0}
    assert read(MINUTE + timedelta(minutes=1))[calls.name] == 0
    assert scene.database.read(partial(counters.read, limits=[], grant="g", server="s", tool="t", now=NOW)) == {}


def test_several_limits_are_used_all_or_none(scene: Scene) -> None:
    """What the second refuses costs nothing of the first, and the refusal names the second."""
    wide, narrow = _limit(10, name="wide"), _limit(1, name="narrow", window=Window.HOUR)
    assert _reserve(scene, _charged(wide, narrow)) is None
    for order in ((wide, narrow), (narrow, wide)):
        refused = _reserve(scene, _charged(*order))
        assert refused is not None
        assert refused.limit is narrow
    assert sum(_used(scene).values()) == 2


def test_counters_are_shared_as_their_scope_says(scene: Scene) -> None:
    """A limit of a grant is that grant's alone, a global one is everybody's."""
    for scope, passes in ((Scope.GRANT, True), (Scope.SERVER, False), (Scope.TOOL, False), (Scope.GLOBAL, False)):
        limit = _limit(1, name=scope.value, scope=scope)
        assert _reserve(scene, _charged(limit, grant="gr_1")) is None
        assert (_reserve(scene, _charged(limit, grant="gr_2")) is None) is passes


def test_a_key_that_is_longer_than_its_column_is_counted_all_the_same(scene: Scene) -> None:
    """A tool of 256 characters beyond ASCII, counted by tool: apart from another such tool."""
    limit = _limit(1, scope=Scope.TOOL)
    assert _reserve(scene, _charged(limit, tool="é" * 256)) is None
    assert _reserve(scene, _charged(limit, tool="é" * 256)) is not None
    assert _reserve(scene, _charged(limit, tool="é" * 255 + "è")) is None


def test_a_hundred_threads_on_a_limit_of_ten_let_ten_through(scene: Scene) -> None:
    """Exactly, with two limits that every thread uses in the same order."""
    wanted = _charged(_limit(10, name="b"), _limit(50, name="a", window=Window.DAY))
    start = threading.Barrier(100)

    def one() -> Refused | None:
        start.wait()
        return _reserve(scene, wanted)

    with ThreadPoolExecutor(100) as threads:
        answers = [future.result() for future in [threads.submit(one) for _ in range(100)]]
    assert answers.count(None) == 10
    assert sum(_used(scene).values()) == 20


def test_replicas_that_share_a_database_share_its_limits(scene: Scene, migrated_url: str) -> None:
    """Two of them, a hundred calls at once on a limit of ten: ten pass, and both see the same."""
    with closing(Database(migrated_url)) as other:
        replicas = (scene, Scene(other))
        start = threading.Barrier(100)

        def one(number: int) -> Refused | None:
            start.wait()
            return _reserve(replicas[number % 2], _charged(_limit(10)))

        with ThreadPoolExecutor(100) as threads:
            answers = list(threads.map(one, range(100)))
        assert answers.count(None) == 10
        assert [_used(replica) for replica in replicas] == [{MINUTE: 10}] * 2


def test_amounts_that_are_spent_at_once_never_add_up_to_more(scene: Scene) -> None:
    """A hundred calls of 0.3, on a limit of 10: thirty-three pass, and what is used is their sum to the last decimal."""
    start = threading.Barrier(100)

    def one() -> Refused | None:
        start.wait()
        return _reserve(scene, _charged(_spend("0.3", 10)))

    with ThreadPoolExecutor(100) as threads:
        answers = [future.result() for future in [threads.submit(one) for _ in range(100)]]
    assert answers.count(None) == 33
    assert _used(scene) == {HOUR: 9_900_000}


def test_what_is_used_outlives_the_process(scene: Scene, migrated_url: str) -> None:
    """The next one opens the same database and finds what is left."""
    assert _reserve(scene, _charged(_spend("999.5"))) is None
    scene.database.close()
    with closing(Database(migrated_url)) as database:
        again = Scene(database)
        assert _reserve(again, _charged(_spend("0.6"))) is not None
        assert _reserve(again, _charged(_spend("0.5"))) is None


def test_what_is_given_back_goes_into_the_window_that_was_charged(scene: Scene) -> None:
    """Not into the present one; and never below nothing."""
    charged = _charged(_limit())
    later = MINUTE + timedelta(minutes=1)
    _reserve(scene, charged)
    _reserve(scene, _charged(_limit(), now=later), later)
    for _ in range(3):
        scene.database.write(partial(counters.give_back, charged=charged))
    assert _used(scene) == {MINUTE: 0, later: 1}


def test_an_amount_is_given_back_as_it_was_charged(scene: Scene) -> None:
    """The units of that call, and no other's."""
    _reserve(scene, _charged(_spend("5")))
    charged = _charged(_spend("0.75"))
    _reserve(scene, charged)
    scene.database.write(partial(counters.give_back, charged=charged))
    assert _used(scene) == {HOUR: 5 * MICRO}


def test_old_windows_are_forgotten(scene: Scene) -> None:
    """After two days nobody can ask for them any more; younger ones stay."""
    _reserve(scene, _charged(_limit()))
    scene.database.write(partial(counters.purge, now=NOW + timedelta(days=1)))
    assert _used(scene) == {MINUTE: 1}
    scene.database.write(partial(counters.purge, now=NOW + timedelta(days=2, minutes=1)))
    assert _used(scene) == {}


def _limited(most: int) -> dict[str, JSON]:
    return {"limits": [{"counter": "refunds", "window": "minute", "max": most, "scope": "grant"}]}


def test_a_held_call_uses_its_limits_when_it_is_released_and_not_before(scene: Scene) -> None:
    """Neither to wait nor to be approved, however often it is repeated: what is left is for those who run."""
    scene.policy = make_policy(refund=_limited(5))
    call = make_call()
    request_id = scene.held(call=call)
    scene.hold(call)
    scene.vote(request_id, ALICE)
    assert _used(scene) == {}
    scene.later(minutes=1)
    scene.claim(request_id)
    assert _used(scene) == {MINUTE + timedelta(minutes=1): 1}


def test_another_edition_of_the_policy_counts_on(scene: Scene) -> None:
    """What was used before the edit is used after it; a smaller limit is used up at once, a larger one has so much more left."""
    for most, passes in ((2, True), (1, False), (3, True), (3, True), (3, False)):
        limits = evaluate(make_policy(tools={"create_refund": _limited(most)}), make_call()).limits
        assert (_reserve(scene, _charged(*limits)) is None) is passes, most


def test_a_claim_waits_while_its_limit_is_used_up(scene: Scene) -> None:
    """The request stays approved and untouched, and is claimed in the next window."""
    scene.policy = make_policy(refund=_limited(1))
    first, second = scene.approved(), scene.approved()
    assert scene.claim(first) is not None
    before, told = scene.row(second), len(scene.events())
    assert scene.claim(second) is None
    assert (scene.row(second), len(scene.events())) == (before, told)
    scene.now = MINUTE + timedelta(minutes=1)
    assert scene.claim(second) is not None
    assert scene.state(second) is State.RELEASING


_BACK = {
    "a result": (Outcome("result", b"{}"), 1),
    "a result that is an error": (Outcome("result", b"{}", is_error=True), 0),
    "an error object": (Outcome("error", b"{}"), 0),
    "not sent": (Outcome("not_sent", b""), 0),
    "unknown": (Outcome("unknown", b""), 1),
}


@pytest.mark.parametrize(("outcome", "left"), _BACK.values(), ids=_BACK)
def test_a_release_that_failed_gives_back_what_it_used_where_it_used_it(scene: Scene, outcome: Outcome, left: int) -> None:
    """A call that ran or may have run was used; the window is the one of the claim, whenever the answer came."""
    scene.policy = make_policy(refund=_limited(5))
    request_id = scene.approved()
    scene.claim(request_id)
    assert json.loads(scene.row(request_id).charged or "[]")
    scene.later(minutes=3)
    scene.finish(request_id, outcome)
    assert _used(scene) == {MINUTE: left}


def test_a_void_or_lost_claim_costs_nothing_or_what_it_used(scene: Scene) -> None:
    """An approval that was voided used no limit."""
    scene.policy = make_policy(refund=_limited(5))
    request_id = scene.approved()
    assert scene.claim(request_id, fresh=scene.fresh(request_id, definition="e" * 64)) is None
    assert _used(scene) == {}


def test_what_was_noted_on_a_request_is_read_back(scene: Scene) -> None:
    """Keys with quotes, brackets and other scripts, their windows and their amounts."""
    charged = _charged(_limit(name='"]é'), _limit(name="b", window=Window.DAY), _spend("12.34"))
    _reserve(scene, charged)

    def back(session: Session) -> None:
        counters.give_back_written(session, counters.written(charged))
        counters.give_back_written(session, None)

    scene.database.write(back)
    assert set(_used(scene).values()) == {0}


def test_a_note_of_before_there_were_amounts_gives_back_one(scene: Scene) -> None:
    """A request that was claimed by the version before this one."""
    [charge] = _charged(_limit())
    _reserve(scene, [charge])
    note = json.dumps([[charge.key, charge.window_start.isoformat()]])
    scene.database.write(partial(counters.give_back_written, text=note))
    assert _used(scene) == {MINUTE: 0}
