"""What doctor looks at: the database, the servers, Slack, and whether each rule has people who could approve what it holds."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot.app import addresses
from bot.settings import Settings, SlackSettings
from bot.slack.checks import Checked, Checks, Sort, looking
from bot.upstream import Upstreams
from workflows import definitions, grants, groups
from workflows.database import Database
from workflows.errors import AskfirstError
from workflows.people import ApproverGroup
from workflows.policy import Hold, Policy
from workflows.policy.evaluating import DEFAULT_REQUIRE_APPROVAL
from workflows.policy.names import unknown_tools

_MOST_NAMED = 5
_DURABLE = {"synchronous": {"2", "3"}, "synchronous_commit": {"on", "remote_apply"}, "fsync": {"on"}}


@dataclass(frozen=True, slots=True)
class Asking:
    """A rule that holds calls, and the people who answer for the agents under it: none of them approves their own."""

    policy: str
    rule: str
    hold: Hold
    owners: Collection[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in the database beside the file: groups and grants that were made there, and the tools whose definitions changed.

    `owners` says who answers for agents under which policy, `reached` which server they reach under it, `changed` server and tool.
    """

    groups: Sequence[ApproverGroup] = ()
    owners: Sequence[tuple[str, str]] = ()
    reached: Sequence[tuple[str, str]] = ()
    changed: Sequence[tuple[str, str]] = ()


async def everything(loaded: Settings, *, canary: bool, tell: Callable[[Checked], None], clock: Callable[[], datetime]) -> int:
    """Look at everything, tell each finding as it comes, and give the number of problems."""
    problems = 0
    async for checked in _everything(loaded, canary=canary, clock=clock):
        tell(checked)
        problems += checked.sort is Sort.PROBLEM
    return problems


async def _everything(loaded: Settings, *, canary: bool, clock: Callable[[], datetime]) -> AsyncIterator[Checked]:
    for note in loaded.notes:
        yield Checked(Sort.NOTE, str(note))
    try:
        database = Database(loaded.database.url.reveal())
    except AskfirstError as error:
        yield Checked(Sort.PROBLEM, f"database {loaded.database.shown}: {error}")
        return
    with closing(database):
        checked, found = await asyncio.to_thread(look_at_database, database, loaded.database.shown)
        yield checked
        asked = await servers(loaded)
        for checked, _ in asked.values():
            yield checked
        for checked in (
            *changed_tools(found.changed, loaded.servers),
            *misnamed(loaded, found, {name: tools for name, (_, tools) in asked.items()}),
        ):
            yield checked
        declared = {**{group.name: group for group in found.groups}, **loaded.groups}
        askings = list(_askings(loaded, found))
        if loaded.slack is not None:
            async with looking(loaded.slack, database, clock) as slack:
                async for checked in _in_slack(slack, _channels(loaded.slack, declared.values(), askings), canary=canary):
                    yield checked
                async for checked in approvers(declared, askings, slack):
                    yield checked
            return
        async for checked in approvers(declared, askings, None):
            yield checked
        if canary:
            yield Checked(Sort.PROBLEM, "canary: there is no section [slack], so no card can be posted. Write one, or leave --canary out.")


async def _in_slack(slack: Checks, channels: Mapping[str, Collection[str]], *, canary: bool) -> AsyncIterator[Checked]:
    for checked in await slack.introduce():
        yield checked
    yield await slack.transport()
    if slack.known:
        async for checked in slack.channels(channels):
            yield checked
        if canary:
            yield await slack.canary()


def look_at_database(database: Database, shown: str) -> tuple[Checked, Found]:
    """Read back whether a commit is on the disk when it returns, and what else is needed from the database."""
    try:
        database.migrate()
        kept = database.write(_durability)
        found = database.read(_found)
    except AskfirstError as error:
        return Checked(Sort.PROBLEM, f"database {shown}: {error}"), Found()
    weak = [name for name, value in kept.items() if value not in _DURABLE[name]]
    read = ", ".join(f"{name}={value}" for name, value in kept.items())
    if weak:
        remedy = "Turn it on in the server's configuration" if "fsync" in weak else "Take away what sets it otherwise"
        return Checked(
            Sort.PROBLEM, f"database {shown}: a crash can undo what was committed ({read}), and a call could run twice. {remedy}."
        ), found
    return Checked(Sort.OK, f"database {shown}: what is committed is on the disk ({read})"), found


def _durability(session: Session) -> dict[str, str]:
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return {"synchronous": str(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())}
    return {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in ("synchronous_commit", "fsync")}


def _found(session: Session) -> Found:
    made = [groups.as_group(row) for row in groups.listing(session) if not row.declared]
    live = [row for row in grants.listing(session) if row.policy and row.revoked_at is None and not row.declared]
    owners, reached = [(row.policy or "", row.owner) for row in live], [(row.policy or "", row.server) for row in live]
    return Found(made, owners, reached, [(row.server, row.tool) for row in definitions.rows(session, changed=True)])


async def servers(loaded: Settings) -> dict[str, tuple[Checked, frozenset[str] | None]]:
    """Ask every server for its tools, all at once: what there is to say, and their names where it answers."""
    upstreams = Upstreams(addresses(loaded))

    async def one(name: str) -> tuple[Checked, frozenset[str] | None]:
        try:
            tools = await upstreams.tools(name)
        except AskfirstError as error:
            return Checked(Sort.PROBLEM, f"server {name}: {error} Check [servers.{name}], and that the server runs."), None
        return Checked(Sort.OK, f"server {name}: it answers, and lists its tools"), frozenset(str(tool.get("name")) for tool in tools)

    try:
        return dict(zip(loaded.servers, await asyncio.gather(*map(one, loaded.servers)), strict=True))
    finally:
        await upstreams.close()


def changed_tools(changed: Sequence[tuple[str, str]], configured: Collection[str]) -> Iterator[Checked]:
    """Name the tools whose calls are held or denied because their definitions are not the accepted ones."""
    for server in dict.fromkeys(server for server, _ in changed if server in configured):
        tools = [tool for each, tool in changed if each == server]
        some = ", ".join(tools[:_MOST_NAMED]) + (" and others" if len(tools) > _MOST_NAMED else "")
        said = f"{len(tools)} tool{'s are' if len(tools) != 1 else ' is'} defined otherwise than was accepted ({some})"
        remedy = f"Look with askfirst scan {server} --diff, and accept it with --accept"
        yield Checked(Sort.PROBLEM, f"server {server}: {said}, and calls of them are held. {remedy}.")


def misnamed(loaded: Settings, found: Found, listed: Mapping[str, frozenset[str] | None]) -> Iterator[Checked]:
    """Name what policies say of tools that no server lists which agents reach under them."""
    reached: defaultdict[str, set[str]] = defaultdict(set)
    for used, server in (*found.reached, *((grant.policy or "", grant.server) for grant in loaded.grants.values())):
        reached[used].add(server)
    for name, policy in loaded.policies.items():
        tools = [listed.get(server) for server in reached[name]]
        known = [each for each in tools if each is not None]
        if known and len(known) == len(tools):  # a server that was not heard could list it
            yield from (Checked(Sort.NOTE, f"policy {name}: {problem}") for problem in unknown_tools(policy, frozenset().union(*known)))


def _askings(loaded: Settings, found: Found) -> Iterator[Asking]:
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for name, owner in (*found.owners, *((grant.policy or "", grant.owner) for grant in loaded.grants.values())):
        owners[name].add(owner)
    for name, policy in loaded.policies.items():
        for rule, hold in _holds(policy):
            yield Asking(name, rule, hold, owners[name])


def _holds(policy: Policy) -> Iterator[tuple[str, Hold]]:
    for entry in policy.shape.entries:
        for rule in entry.require_approval:
            if rule.hold is not None:
                yield rule.id, rule.hold
    if policy.shape.fallback is not None:
        yield DEFAULT_REQUIRE_APPROVAL, policy.shape.fallback


def _channels(chosen: SlackSettings, declared: Collection[ApproverGroup], askings: Sequence[Asking]) -> dict[str, list[str]]:
    """Give every channel that cards may go to, with the places that name it."""
    named: list[tuple[str | None, str]] = [(chosen.channel, "slack.channel"), (chosen.fallback_channel, "slack.fallback_channel")]
    named += [(asking.hold.channel, f"policy {asking.policy}") for asking in askings]
    named += [(group.channel, f"group {group.name}") for group in declared]
    places: dict[str, list[str]] = {}
    for channel, place in dict.fromkeys(named):
        if channel is not None:
            places.setdefault(channel, []).append(place)
    return places


async def approvers(declared: Mapping[str, ApproverGroup], askings: Sequence[Asking], slack: Checks | None) -> AsyncIterator[Checked]:
    """Look whether each rule can be approved by the people of its group, for every agent that is under it."""
    asked: defaultdict[str, list[Asking]] = defaultdict(list)
    for asking in askings:
        asked[asking.hold.approvers].append(asking)
    for name in sorted(asked.keys() - declared.keys()):
        policies = ", ".join(sorted({asking.policy for asking in asked[name]}))
        yield Checked(
            Sort.PROBLEM, f"group {name}: there is none, and what the policy {policies} asks of it is denied. Declare [groups.{name}]."
        )
    for name, group in sorted(declared.items()):
        if slack is not None and not slack.known and any(key.startswith("slack:") for key in group.members | group.user_groups):
            yield Checked(Sort.NOTE, f"group {name}: its people were not looked at, because Slack could not be asked")
            continue
        async for checked in _approvers(group, asked[name], slack):
            yield checked


async def _approvers(group: ApproverGroup, askings: Sequence[Asking], slack: Checks | None) -> AsyncIterator[Checked]:
    able: set[str] = set()
    for person in sorted(group.members):
        why = await slack.why_not(person, group) if slack else None
        if why is None:
            able.add(person)
        else:
            yield Checked(Sort.NOTE, f"group {group.name}: {person} {why}, and counts for nothing")
    most = max((max(asking.hold.quorum, group.quorum) for asking in askings), default=group.quorum)
    for user_group in sorted(group.user_groups):
        people = await slack.members(user_group) if slack else "there is no section [slack]"
        if isinstance(people, str):
            yield Checked(Sort.PROBLEM, f"group {group.name}: nobody counts by {user_group}: {people}. Correct it, or name people.")
        elif slack is not None:
            able |= await _enough(people - able, group, slack, most + 1 - len(able))
    problems = list(dict.fromkeys(_too_few(group, askings, able)))
    for problem in problems:
        yield Checked(Sort.PROBLEM, problem)
    if not problems and askings:
        rules = "the rule that asks it has" if len(askings) == 1 else f"all {len(askings)} rules that ask it have"
        yield Checked(Sort.OK, f"group {group.name}: {rules} people who can approve")
    elif not problems:
        yield Checked(Sort.OK, f"group {group.name}: no rule asks it")


async def _enough(people: Collection[str], group: ApproverGroup, slack: Checks, wanted: int) -> set[str]:
    """Find so many who can decide, and stop: each is a question to Slack. One more than a rule needs is enough whoever owns the agent."""
    able: set[str] = set()
    for person in sorted(people):
        if len(able) >= wanted:
            break
        if await slack.why_not(person, group) is None:
            able.add(person)
    return able


def _too_few(group: ApproverGroup, askings: Sequence[Asking], able: Collection[str]) -> Iterator[str]:
    for asking in askings:
        needed = max(asking.hold.quorum, group.quorum)
        for owner in sorted(asking.owners) or [""]:
            could = len(set(able) - (set() if group.self_approval else {owner}))
            if could < needed:
                but = f", {owner} not among them, who answers for the agent" if owner in able and not group.self_approval else ""
                yield (
                    f"group {group.name}: {asking.rule} of the policy {asking.policy} needs {needed} approval{'s' * (needed != 1)}, "
                    f"and {could} of its people could give one{but}. Name more people, or ask for fewer."
                )
