"""What `/askfirst` answers, and one request in a modal, drawn. Pure: values in, a message or a view out; each fits Slack's limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack import blocks, changed
from bot.slack.arguments import notes
from bot.slack.cards import signals
from bot.slack.home import GroupRow, decided, group_lines, headline
from bot.slack.shapes import Block, Message, Shown
from workflows.calls import JSON

MOST = 10  # requests or groups in one answer
_SHORT = 100  # characters of a name or reason in a list
_STEPS = 12  # rows of a trail that one answer shows
_PAGES = 4  # parts of the arguments that the modal shows; the others are at the desk, and in the modal of the card
_COMMANDS = (
    ("pending", "what waits for a decision, yours first"),
    ("history [words]", "what was asked and what came of it"),
    ("show ID", "one call, with who decided and why"),
    ("groups", "who may approve"),
    ("whoami", "how Askfirst knows you"),
    ("help", "this"),
)


@dataclass(frozen=True, slots=True)
class Ballot:
    """One person's word on a request."""

    voter: str
    choice: str
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the trail."""

    at: datetime
    actor: str
    event: str


@dataclass(frozen=True, slots=True)
class Whole:
    """One request with everything; `left_out` rows of its trail are missing."""

    shown: Shown
    votes: Sequence[Ballot] = ()
    trail: Sequence[Step] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What Askfirst knows of a person: their key, their groups, the agents that they answer for."""

    key: str
    groups: Sequence[str] = ()
    agents: Sequence[str] = ()
    admin: bool = False


def told(sentence: str) -> Message:
    """Write one sentence."""
    return Message("Askfirst", [blocks.rich(blocks.section(blocks.text(blocks.short(sentence, 2000))))])


def listing(title: str, rows: Sequence[Shown], *, team: str, command: str, more: bool = False, nothing: str = "") -> Message:
    """List requests, at most ten of them."""
    drawn: list[Block] = [blocks.header(title)]
    if not rows:
        drawn.append(blocks.rich(blocks.section(blocks.text(nothing or "Nothing was found."))))
        return Message("Askfirst: " + title, drawn)
    drawn += [_line(row, team) for row in rows[:MOST]]
    lines = [blocks.text("Look at one with "), blocks.text(f"{command} show ID", code=True), blocks.text(", or in the Home of this app.")]
    if more or len(rows) > MOST:
        lines.insert(0, blocks.text("There are more: the Home of this app has them all. "))
    return Message("Askfirst: " + title, [*drawn, blocks.rich(blocks.section(*lines))])


def _line(shown: Shown, team: str) -> Block:
    said = [*headline(shown, longest=_SHORT), *decided(shown, team, longest=_SHORT)]
    return blocks.rich(blocks.section(*said, blocks.text("\n"), blocks.text(shown.id, code=True)))


def one(whole: Whole, *, team: str) -> Message:
    """Show one request, with what fits of its arguments."""
    shown = whole.shown
    changes = _difference(shown, [shown.difference.short] if shown.difference else [])
    drawn = [*_facts(whole, team), *changes, *_arguments(shown, [shown.arguments.short]), *_course(whole, team)]
    return Message("Askfirst: a held call", drawn)


def details(whole: Whole, *, team: str) -> dict[str, JSON]:
    """Show one request in a modal."""
    pages, changes = whole.shown.arguments.pages, whole.shown.difference.pages if whole.shown.difference else ()
    drawn = [
        *_facts(whole, team),
        *_difference(whole.shown, changes[:_PAGES], left=len(changes) - _PAGES),
        *_arguments(whole.shown, pages[:_PAGES], left=len(pages) - _PAGES),
        *_course(whole, team),
    ]
    return {"type": "modal", "title": blocks.plain("Held call"), "close": blocks.plain("Close"), "blocks": list(drawn)}


def _facts(whole: Whole, team: str) -> Iterator[Block]:
    shown = whole.shown
    lines: list[list[Block]] = [
        [*headline(shown), *decided(shown, team)],
        [blocks.text(f"Held by {shown.rule}" + (f": {blocks.short(shown.reason, 500)}" if shown.reason else ""))],
        [blocks.text("The agent's owner: "), blocks.person(shown.owner, team)],
        [
            blocks.text(f"Approvers: {shown.approvers}. {len(shown.approvals)} of {shown.quorum} approvals. Expires "),
            blocks.date(shown.expires_at),
        ],
        [blocks.text(f"Risk: {shown.risk}." + (f" Signals: {signals(shown)}." if shown.signals else ""))],
        *([blocks.text(warning)] for warning in shown.warnings),
        [blocks.text(shown.id, code=True)],
    ]
    if shown.unattended:
        lines.insert(1, [blocks.text("The agent broke off; without it nothing is run.")])
    yield blocks.rich(*(blocks.section(*line) for line in lines))


def _difference(shown: Shown, pages: Sequence[str], *, left: int = 0) -> Iterator[Block]:
    if shown.difference is None:
        return
    yield blocks.rich(blocks.section(blocks.text(changed.SENTENCE, bold=True)), *(blocks.preformatted(page) for page in pages if page))
    if left > 0:
        yield blocks.rich(blocks.section(blocks.text(f"{left} more parts of the difference are opened from its card, and at the desk.")))
    elif shown.difference.cut and not left:
        yield blocks.rich(blocks.section(blocks.text(f"Not all of the difference: {shown.difference.hidden}.")))


def _arguments(shown: Shown, pages: Sequence[str], *, left: int = 0) -> Iterator[Block]:
    title = f"Arguments, {', '.join(notes(shown.arguments))}"
    yield blocks.rich(blocks.section(blocks.text(title, bold=True)), *(blocks.preformatted(page) for page in pages if page))
    if left > 0:
        yield blocks.rich(blocks.section(blocks.text(f"{left} more parts are opened from its card, and at the desk.")))
    elif shown.arguments.cut and not left:
        yield blocks.rich(blocks.section(blocks.text(f"Not all of them: {shown.arguments.hidden}.")))


def _course(whole: Whole, team: str) -> Iterator[Block]:
    lines: list[Block] = []
    for vote in whole.votes[:_STEPS]:
        said = f": {blocks.short(vote.reason, 300)}" if vote.reason else ""
        lines.append(
            blocks.section(
                blocks.person(vote.voter, team), blocks.text(f" said {vote.choice} "), blocks.date(vote.at), blocks.text(said or ".")
            )
        )
    shown = whole.trail if len(whole.trail) <= _STEPS else [whole.trail[0], *whole.trail[1 - _STEPS :]]
    lines += [blocks.section(blocks.date(step.at), blocks.text(f" {step.event} by "), blocks.person(step.actor, team)) for step in shown]
    left_out = whole.left_out + len(whole.trail) - len(shown)
    if left_out:
        lines.append(blocks.section(blocks.text(f"{left_out} rows of the trail are left out here; the desk has more.")))
    if lines:
        yield blocks.rich(blocks.section(blocks.text("What happened", bold=True)), *lines)


def groups(rows: Sequence[GroupRow], *, team: str) -> Message:
    """List the approver groups, at most ten."""
    drawn = [blocks.header("Approver groups")]
    if not rows:
        drawn.append(blocks.rich(blocks.section(blocks.text("There is no approver group yet, so no call can be approved."))))
    drawn += [blocks.rich(*group_lines(row, team, most=10)) for row in rows[:MOST]]
    if len(rows) > MOST:
        drawn.append(blocks.rich(blocks.section(blocks.text(f"{len(rows) - MOST} more are in the Home of this app."))))
    return Message("Askfirst: approver groups", drawn)


def whoami(known: Known) -> Message:
    """Tell somebody how Askfirst knows them, which is what an administrator has to write."""
    lines = [
        blocks.section(blocks.text("You are "), blocks.text(known.key, code=True)),
        blocks.section(blocks.text("Approver in " + (_names(known.groups) if known.groups else "no group."))),
        blocks.section(blocks.text("You answer for " + (_names(known.agents) if known.agents else "no agent."))),
    ]
    if known.admin:
        lines.append(blocks.section(blocks.text("You are an administrator: you may edit groups in the Home of this app.")))
    return Message("Askfirst: who you are", [blocks.rich(*lines)])


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more." if len(names) > MOST else ".")


def help_(command: str, *, unknown: str = "") -> Message:
    """Tell what the command takes."""
    lines = [blocks.section(blocks.text(f"{command} has no {blocks.short(unknown, 40)}. It has:"))] * bool(unknown)
    lines += [blocks.section(blocks.text(f"{command} {usage}", code=True), blocks.text(f"  {meaning}")) for usage, meaning in _COMMANDS]
    return Message("Askfirst: help", [blocks.header("What you can ask"), blocks.rich(*lines)])
