"""Measure the Slack face: from a click to its ack with 1,000 requests pending, and the processor time of drawing 1,000 cards.

Run it as `python -m bench.slack`. Slack is played by the server of the tests, in this process; `askfirst serve` is a process of its own.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench.cast import free_ports, program
from bot.slack import cards, facts
from tests.factories import Scene, make_call, make_policy
from tests.fakes.slack import FakeSlack
from workflows import lifecycle, queries
from workflows.calls import JSON
from workflows.database import Database
from workflows.people import ApproverGroup
from workflows.queries import Filters, RequestView

_ACK, _DRAWN = 300.0, 2.0
_WIDE = 8
CHANNEL, ALICE = "C01APPROVALS", "U01ALICE"
_CONFIG = """\
[gateway]
listen = "127.0.0.1:{gateway}"
[desk]
listen = "127.0.0.1:{desk}"
[database]
url = "{database}"
[servers.payments]
url = "http://127.0.0.1:{upstream}/mcp"
[policies]
payments = "payments.json"
[groups.payments]
members = ["slack:{team}/U01ALICE", "slack:{team}/U01BOB"]
[slack]
mode = "http"
channel = "C01APPROVALS"
api_url = "{api}"
listen = "127.0.0.1:{slack}"
"""


def _fill(database: Database, team: str, count: int) -> None:
    """Hold so many calls, as the gateway would."""
    people = ApproverGroup("payments", frozenset({f"slack:{team}/U01ALICE", f"slack:{team}/U01BOB"}))
    policy = make_policy(approval={"approvers": "payments", "expires_in": "24h"}, quorum=2)
    scene = Scene(database, policy, now=datetime.now(UTC) - timedelta(minutes=1)).declare(people)
    for number in range(count):
        call: dict[str, JSON] = {
            "amount": number,
            "order": f"order-{number}",
            "customer": "cus_ada",
            "note": "The second item came broken. " * 4,
        }
        request_id = scene.held(call=make_call(call), max_pending=count + 1)
        scene.do(lifecycle.hand_off, request_id)


def _draw(database: Database, team: str) -> tuple[int, float]:
    """Draw every request once; gives how many, and the seconds of processor time."""
    views: tuple[RequestView, ...] = database.read(partial(queries.history, filters=Filters(), limit=1000)).rows
    begun = time.process_time()
    drawn = [cards.card(facts.shown(view, team=team, desk_url="http://127.0.0.1:8081")) for view in views]
    return len(drawn), time.process_time() - begun


@contextlib.contextmanager
def _serving(slack: FakeSlack, directory: Path, url: str) -> Iterator[None]:
    gateway, desk, upstream, port = free_ports(4)
    slack.transport = "http"
    slack.request_url = f"http://127.0.0.1:{port}/slack/events"
    config = directory / "askfirst.toml"
    config.write_text(
        _CONFIG.format(gateway=gateway, desk=desk, upstream=upstream, database=url, team=slack.team, api=slack.api_url, slack=port)
    )
    policy = make_policy(approval={"approvers": "payments", "expires_in": "24h"}, quorum=2)
    (directory / "payments.json").write_text(json.dumps(policy.document))
    environment = {**os.environ, "SLACK_BOT_TOKEN": slack.BOT_TOKEN, "SLACK_SIGNING_SECRET": slack.SIGNING_SECRET}
    argv = ["bot.cli", "serve", "--config", str(config)]
    with program(argv, ready="askfirst desk listening on", environment=environment, errors=directory / "serve.err"):
        yield


async def _clicks(slack: FakeSlack, count: int) -> list[float]:
    """Click on cards as they come; gives milliseconds from sending to the ack, sorted."""
    async with asyncio.timeout(60):
        while len(slack.messages(CHANNEL)) < 3:  # noqa: PLR2004, ASYNC110  # three cards to click on
            await asyncio.sleep(0.1)
    waits: list[float] = []

    async def one(number: int) -> None:
        posted = slack.messages(CHANNEL)
        card = posted[number % len(posted)]
        answer = await slack.click(("U01ALICE", "U01BOB")[number % 2], CHANNEL, card.ts, "af_approve")
        if not answer.acked:
            raise SystemExit(f"A click was not acked: {answer}")
        waits.append(1000 * answer.ack_seconds)

    for start in range(0, count, _WIDE):
        await asyncio.gather(*(one(number) for number in range(start, min(start + _WIDE, count))))
    return sorted(waits)


async def _measure(requests: int, clicks: int) -> int:
    with tempfile.TemporaryDirectory(prefix="askfirst-bench-") as name:
        directory = Path(name)
        url = f"sqlite:///{directory}/askfirst.db"
        async with FakeSlack() as slack:
            database = Database(url)
            try:
                database.migrate()
                await asyncio.to_thread(_fill, database, slack.team, requests)
                number, seconds = _draw(database, slack.team)
            finally:
                database.close()
            loop = asyncio.get_running_loop()
            serving = _serving(slack, directory, url)
            await loop.run_in_executor(None, serving.__enter__)
            try:
                waits = await _clicks(slack, clicks)
            finally:
                await loop.run_in_executor(None, serving.__exit__, None, None, None)
    p50, p99 = waits[len(waits) // 2], waits[min(len(waits) - 1, int(len(waits) * 0.99))]
    good = p99 < _ACK and seconds < _DRAWN
    what = f"click -> ack, {len(waits)} clicks, {_WIDE} at once, {requests} pending"
    print(f"{_word(reached=p99 < _ACK)}  {what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms (p99 below {_ACK:g})")
    print(f"{_word(reached=seconds < _DRAWN)}  {number} requests drawn: {seconds:.2f} s of CPU (below {_DRAWN:g})")
    return 0 if good else 1


def _word(*, reached: bool) -> str:
    return "ok" if reached else "NO"


def main() -> int:
    """Run as a program: 0 when both targets were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000, help="how many requests are pending (1000)")
    parser.add_argument("--clicks", type=int, default=400, help="how many clicks are timed (400)")
    options = parser.parse_args()
    return asyncio.run(_measure(options.requests, options.clicks))


if __name__ == "__main__":
    sys.exit(main())
