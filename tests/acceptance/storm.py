"""A storm: agents that insist, people who decide, and a gateway that is killed again and again, each time at another step of a call."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from bot.demo.person import Person
from bot.demo.stage import DemoFailed
from tests.acceptance.checking import Fate, untold, violations
from tests.acceptance.stage import PERSON, SOON, TOKEN, World, arguments
from tests.fakes.insisting import insist
from tests.waiting import eventually
from workflows.lifecycle import Choice
from workflows.states import LIVE, State
from workflows.tables import ApprovalRequest

STEPS = ("held", "approved", "claimed", "executed", "stored", "told")
_AFTERWARDS = 0.012  # seconds: the kill comes at a random moment within this time after the step was seen
_IN_THE_START = 0.2  # how often the gateway is killed once more while it starts again
_CALLS = 4


@dataclass(slots=True)
class Storm:
    """One storm over one world. `seed` decides every moment and every fate."""

    world: World
    seed: int
    fates: dict[str, Fate] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311  # a schedule that can be repeated, nothing secret

    async def rage(self, waves: int, *, steps: Sequence[str] = STEPS, ignored: int = 2, leaving: int = 0) -> None:
        """Run so many waves: in each some calls, a fate for each, and a kill at the next step."""
        jar = aiohttp.CookieJar(unsafe=True)  # cookies for an address instead of a name
        patience = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=60)
        link = await asyncio.to_thread(self.world.cli, "desk", "login", "--as", PERSON)
        async with (
            aiohttp.ClientSession(timeout=patience, connector=aiohttp.TCPConnector(limit=0)) as agents,
            aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=5)) as browser,
            asyncio.TaskGroup() as group,
        ):
            person = Person(browser, self.world.desk)
            await person.sign_in(next(word for word in link.split() if word.startswith("http")))
            for number in range(ignored):
                key = f"ignored-{number}"
                self.fates[key] = Fate.IGNORE
                group.create_task(self._call(agents, key, SOON))
            for number in range(leaving):
                group.create_task(self._leave(agents, f"leaving-{number}"))
            for wave in range(waves):
                await self._wave(agents, person, wave, steps[wave % len(steps)])

    async def _wave(self, agents: aiohttp.ClientSession, person: Person, wave: int, step: str) -> None:
        keys = [f"wave-{wave}-{number}" for number in range(_CALLS)]
        self.fates |= {key: Fate.DENY if key == keys[-1] else Fate.APPROVE for key in keys}
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for key in keys:
                group.create_task(self._call(agents, key))
                group.create_task(self._decide(person, key, by_desk=self._chance.random() < 0.75))
            await self._crash(step, self._chance.sample(keys[:-1], 1)[0])

    async def _call(self, agents: aiohttp.ClientSession, key: str, amount: int = 1) -> None:
        self.answers[key] = await insist(agents, self.world.url, TOKEN, arguments(key, amount))

    async def _leave(self, agents: aiohttp.ClientSession, key: str) -> None:
        """Make a call, break off while it waits, and never come back; then it is approved."""
        self.fates[key] = Fate.LEAVE
        async with asyncio.TaskGroup() as group:
            call = group.create_task(insist(agents, self.world.url, TOKEN, arguments(key)))
            await eventually(lambda: self.world.asked(key), within=30)
            call.cancel()
        row = self.world.asked(key)
        if row is not None:
            self.world.vote(row.id, Choice.APPROVE)

    async def _decide(self, person: Person, key: str, *, by_desk: bool) -> None:
        """Vote until the vote is there: the gateway may die under the hand that votes."""
        choice = Choice(self.fates[key].value)

        async def decided() -> bool:
            row = self.world.asked(key)
            if row is None or row.state != State.PENDING:
                return row is not None
            if by_desk:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, DemoFailed):
                    await person.cast(await person.ballot(row.id, choice.value), "As fate will have it.")
            else:
                self.world.vote(row.id, choice, "As fate will have it.")
            return False

        await eventually(decided, within=60)

    async def _crash(self, step: str, key: str) -> None:
        """Kill the gateway when a call has come as far as the step, at a random moment after it was seen; start it again."""

        def reached() -> bool:
            row = self.world.asked(key)
            return row is not None and self._is_at(step, key, row)

        await eventually(reached, within=45)
        await asyncio.sleep(self._chance.random() * _AFTERWARDS)
        self._kill()
        if self._chance.random() < _IN_THE_START:
            self.world.gateway.launch()
            await asyncio.sleep(self._chance.random() * 2)
            self._kill()
        await asyncio.to_thread(self.world.gateway.start)

    def _kill(self) -> None:
        self.world.gateway.kill()
        self.kills += 1

    def _is_at(self, step: str, key: str, row: ApprovalRequest) -> bool:
        match step:
            case "held":
                return True
            case "approved":
                return row.state != State.PENDING
            case "claimed":
                return row.state not in (State.PENDING, State.APPROVED)
            case "executed":
                return self.world.ran(key) > 0
            case "stored":
                return row.state not in LIVE
            case _:
                return row.collected_at is not None

    async def calm(self) -> list[str]:
        """Wait until nothing is alive any more, and list what is wrong."""

        def nothing_lives() -> bool:
            return not [row for rows in self.world.requests().values() for row in rows if row.state in LIVE]

        with contextlib.suppress(AssertionError):  # the checker names what still lives
            await eventually(nothing_lives, within=90 if Fate.LEAVE in self.fates.values() else 30)
        requests = self.world.requests()
        return violations(self.world.executions(), requests, self.fates) + untold(requests, self.answers)

    def ends(self) -> dict[str, int]:
        """Count the states in which the calls ended."""
        found: dict[str, int] = {}
        for rows in self.world.requests().values():
            for row in rows:
                found[row.state] = found.get(row.state, 0) + 1
        return found
