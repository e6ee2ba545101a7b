"""A server's tools beside what was accepted of them: what `askfirst scan --diff` prints and `--accept` takes over."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from sqlmodel import Session

from bot.cli.names import known
from bot.cli.opening import now, opened, operator
from bot.cli.output import document, one_line, say
from workflows import catalogue, definitions, lifecycle
from workflows.calls import JSON
from workflows.catalogue import Classified
from workflows.definitions import Change, Comparison, Listed
from workflows.errors import AskfirstError


class NothingDiffers(AskfirstError):
    """Nothing differs, so there is nothing to accept."""

    code = "nothing_differs"


def compare(config: Path, server: str, tools: Sequence[Mapping[str, JSON]], *, accept: bool, tool: str | None, as_json: bool) -> bool:
    """Print what differs from what was accepted, and accept it where that is asked for. Tells whether something still differs."""
    found = definitions.listed(tools)
    with opened(config) as at:
        known(server, at.base.servers, "server", "[servers.NAME]")
        compared = at.database.read(lambda session: definitions.compare(definitions.rows(session, server=server), found))
        chosen = _chosen(compared, tool) if accept else frozenset()
        accepted = at.database.write(partial(_accepted, server=server, found=found, tools=chosen)) if chosen else ()
    classified = {each.tool: each for each in catalogue.classify_all(tools)}
    if as_json:
        document(_plain(server, compared, classified, accepted))
    else:
        for line in _lines(server, compared, classified, accepted):
            say(line)
    return bool(compared.shown or compared.tools - set(accepted))


def others(config: Path, server: str) -> dict[str, list[str]]:
    """Give the names of the tools that are known of every server but this one."""
    found: dict[str, list[str]] = {}
    with opened(config) as at:
        for row in at.database.read(definitions.rows):
            if row.server != server:
                found.setdefault(row.server, []).append(row.tool)
    return found


def _chosen(compared: Comparison, tool: str | None) -> frozenset[str]:
    if tool is None:
        return compared.tools
    if tool not in compared.tools:
        raise NothingDiffers(f"The tool {tool} is as it was accepted, or not known, so there is nothing to accept.")
    return frozenset({tool})


def _accepted(session: Session, *, server: str, found: Mapping[str, Listed], tools: Collection[str]) -> tuple[str, ...]:
    """Write down what is listed of these tools, which voids what waits for other definitions of them, and accept it."""
    at, observed = now(), {name: listed for name, listed in found.items() if name in tools}
    lifecycle.observe(session, server, observed, keeps=lambda _: True, now=at)
    return definitions.accept_listed(session, server, found, tools, actor=operator(), now=at)


def _lines(server: str, compared: Comparison, classified: Mapping[str, Classified], accepted: Collection[str]) -> Iterator[str]:
    for change in compared.changed:
        yield from _changed(change, "changed ")
    for change in compared.shown:
        yield from _changed(change, "changed  for an agent, who was shown this, and not for us: ")
    for tool in compared.added:
        yield one_line(f"added    {tool}{_kind(classified.get(tool))}")
    for tool in compared.removed:
        yield one_line(f"removed  {tool}")
    for tool in accepted:
        yield one_line(f"accepted {tool}")
    if not compared.differs:
        yield one_line(f"server {server}: all {_tools(compared.same)} as accepted.")
        return
    counts = (len(compared.changed) + len(compared.shown), len(compared.added), len(compared.removed))
    yield one_line(f"server {server}: {counts[0]} changed, {counts[1]} added, {counts[2]} removed, {compared.same} as accepted.")
    if accepted:
        yield one_line(f"{_tools(len(accepted))} accepted.")


def _changed(change: Change, word: str) -> Iterator[str]:
    yield one_line(f"{word} {change.tool}")
    for line in change.difference.split("\n"):
        yield f"    {line}"


def _tools(count: int) -> str:
    return f"{count} tool{'s' * (count != 1)}"


def _kind(tool: Classified | None) -> str:
    return f" ({tool.category.value}, {tool.risk.value} risk)" if tool else ""


def _plain(server: str, compared: Comparison, classified: Mapping[str, Classified], accepted: Collection[str]) -> dict[str, JSON]:
    return {
        "server": server,
        "added": [_added(tool, classified.get(tool)) for tool in compared.added],
        "removed": [*compared.removed],
        "changed": [_change(change) for change in compared.changed],
        "shown_to_agents": [_change(change) for change in compared.shown],
        "same": compared.same,
        "accepted": [*accepted],
    }


def _added(tool: str, classified: Classified | None) -> dict[str, JSON]:
    kinds: dict[str, JSON] = {"category": classified.category.value, "risk": classified.risk.value} if classified else {}
    return {"tool": tool, **kinds}


def _change(change: Change) -> dict[str, JSON]:
    return {
        "tool": change.tool,
        "accepted_sha256": change.accepted,
        "listed_sha256": change.listed,
        "difference": change.difference,
    }
