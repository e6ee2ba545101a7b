"""`kill -9` of the gateway at every step between hold and answer: no call runs twice, none is forgotten, none runs unasked.

The default run is short; `STORM=200` in the environment makes it so many kills on each database, and `STORM_SEED` another schedule.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.stage import World, world
from tests.acceptance.storm import STEPS, Storm
from workflows.states import State

log = logging.getLogger(__name__)
_WAVES = int(os.environ.get("STORM", str(2 * len(STEPS))))
_LONG = "STORM" in os.environ
_SEED = int(os.environ.get("STORM_SEED", "20261124"))


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A gateway on either database; the upstream takes a moment before and after its effect, so that a kill can hit both."""

    def make() -> World:
        made = World(tmp_path, database_url, budget=3.0)
        made.upstream.environment.update(COUNTING_BEFORE="0.02", COUNTING_AFTER="0.02")
        return made

    with world(make) as running:
        yield running


@pytest.mark.timeout(240 + 10 * _WAVES)
async def test_no_call_runs_twice_and_none_is_forgotten(stage: World) -> None:
    """After a kill at every step, on both databases, the journal, the rows and the agents agree, and the audit trail is whole."""
    storm = Storm(stage, _SEED)
    await storm.rage(_WAVES, leaving=2 if _LONG else 0)
    assert await storm.calm() == []
    assert len(storm.answers) == len(storm.fates) - (2 if _LONG else 0)
    ends = storm.ends()
    log.info("%s kills; the calls ended %s", storm.kills, ends)
    assert storm.kills >= _WAVES
    assert ends[State.RELEASED]
    assert ends[State.DENIED]
    assert ends[State.EXPIRED]
    assert ends.get(State.CANCELLED, 0) == (2 if _LONG else 0)
    assert ends.get(State.LOST), "no kill fell between claim and outcome: the storm was too mild to show anything"
    assert "Traceback" not in stage.gateway.said()
    stage.cli("audit", "verify")


async def test_a_claim_that_comes_after_sending_is_found_out(tmp_path: Path) -> None:
    """The control: the same storm over a gateway that sends first and claims afterwards shows a call that ran twice."""

    def make() -> World:
        made = World(tmp_path, f"sqlite:///{tmp_path}/askfirst.db", gateway_module="tests.fakes.hasty", budget=3.0)
        made.upstream.environment.update(COUNTING_AFTER="0.2")
        return made

    with world(make) as running:
        storm = Storm(running, _SEED)
        await storm.rage(2, steps=["executed"], ignored=0)
        assert any("ran 2 times" in each for each in await storm.calm())
