"""The Home of one person, drawn: tabs, rows with their buttons, groups and figures. Pure: values in, a view out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack import blocks, cards, changed
from bot.slack.arguments import some
from bot.slack.ids import Action, Callback, Touched
from bot.slack.search import STATES
from bot.slack.shapes import Block, Shown
from bot.slack.whereabouts import Place, Tab
from workflows.calls import JSON

ROWS = 10  # on a page
_REASON = 300  # characters of a reason
_DAY = 86_400  # seconds
_MOST_PEOPLE = 40  # of a group that are named


_NAMES = {
    Tab.WAITING: "Waiting for you",
    Tab.PENDING: "Pending",
    Tab.HISTORY: "History",
    Tab.GROUPS: "Groups",
    Tab.FIGURES: "Figures",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A request in a list. `may` when the person of this Home may approve it now."""

    shown: Shown
    may: bool = False


@dataclass(frozen=True, slots=True)
class GroupRow:
    """An approver group in a list. `problem` says why it cannot decide what it has to, when it cannot."""

    name: str
    members: tuple[str, ...]
    user_groups: tuple[str, ...] = ()
    quorum: int = 1
    channel: str | None = None
    self_approval: bool = False
    guests: bool = False
    external: bool = False
    direct: bool = False
    declared: bool = False
    version: int = 1
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """The figures of a time. `median_seconds` is from asked to decided, None when nothing was."""

    title: str
    waiting: int
    median_seconds: float | None
    decided: int
    approved: int
    denied: int
    expired: int


@dataclass(frozen=True, slots=True)
class Home:
    """All that the Home of one person shows. `older` is the cursor of the next page, None on the last one."""

    place: Place
    team: str
    at: datetime
    waiting: int = 0
    pending: int = 0
    rows: Sequence[Row] = ()
    groups: Sequence[GroupRow] = ()
    counts: Sequence[Count] = ()
    older: str | None = None
    admin: bool = False
    desk_url: str = ""
    refused: str = ""
    notes: Sequence[str] = ()


def view(home: Home) -> dict[str, JSON]:
    """Draw the Home: one view of at most 100 blocks."""
    return {
        "type": "home",
        "callback_id": Callback.HOME,
        "private_metadata": home.place.metadata,
        "blocks": list(_refused(home) if home.refused else _blocks(home)),
    }


def _refused(home: Home) -> Iterator[Block]:
    yield blocks.header("Askfirst")
    yield blocks.rich(blocks.section(blocks.text(home.refused)))


def _blocks(home: Home) -> Iterator[Block]:
    yield blocks.actions("tabs", [_tab(home, tab) for tab in Tab])
    yield blocks.divider()
    if home.notes:
        yield blocks.rich(*(blocks.section(blocks.text(note)) for note in home.notes))
    yield from _BODIES[home.place.tab](home)
    turns = _turns(home)
    if turns:
        yield blocks.actions("pages", turns)
    yield blocks.rich(blocks.section(blocks.text("As of "), blocks.date(home.at), blocks.text(". Secrets in arguments are hidden.")))


def _tab(home: Home, tab: Tab) -> Block:
    count = {Tab.WAITING: home.waiting, Tab.PENDING: home.pending}.get(tab)
    name = _NAMES[tab] if count is None else f"{_NAMES[tab]} ({count})"
    return blocks.button(name, f"{Action.TAB}.{tab}", value=tab, style="primary" if tab is home.place.tab else None)


def _turns(home: Home) -> list[Block]:
    turns = []
    if home.place.page or home.place.befores:
        turns.append(blocks.button("Newer" if home.place.tab is Tab.HISTORY else "Back", Action.NEWER, value="newer"))
    if home.older:
        turns.append(blocks.button("Older" if home.place.tab is Tab.HISTORY else "More", Action.OLDER, value=home.older))
    return turns


def _waiting(home: Home) -> Iterator[Block]:
    if not home.rows:
        yield _nothing("Nothing waits for you.")
    for row in home.rows:
        short = row.shown.arguments.short
        drawn = [blocks.preformatted(short)] if short else []  # empty where the configuration shows none outside of a modal
        yield blocks.rich(blocks.section(*headline(row.shown), *_asked(row.shown)), *drawn)
        yield blocks.actions(f"row.{row.shown.id}", _deciding(row.shown) + _looking(home, row.shown))
        yield blocks.divider()


def _pending(home: Home) -> Iterator[Block]:
    if not home.rows:
        yield _nothing("No call waits for a decision.")
    for row in home.rows:
        yield blocks.rich(blocks.section(*headline(row.shown), *_asked(row.shown)))
        yield blocks.actions(f"row.{row.shown.id}", _looking(home, row.shown))
        yield blocks.divider()


def _history(home: Home) -> Iterator[Block]:
    buttons = [blocks.button("Search and filter…", Action.SEARCH, value="search")]
    told = home.place.search.told
    if told:
        buttons.append(blocks.button("Show everything", Action.CLEAR, value="clear"))
        yield blocks.rich(blocks.section(blocks.text("Searched: ", bold=True), blocks.text(told)))
    yield blocks.actions("search", buttons)
    if not home.rows:
        yield _nothing("Nothing was found." if told else "No call was held yet.")
    for row in home.rows:
        yield blocks.rich(blocks.section(*headline(row.shown), *decided(row.shown, home.team)))
        yield blocks.actions(f"row.{row.shown.id}", _looking(home, row.shown))
        yield blocks.divider()


def _groups(home: Home) -> Iterator[Block]:
    if home.admin:
        yield blocks.actions("groups", [blocks.button("New group…", Action.GROUP_NEW, value="new", style="primary")])
    if not home.groups:
        yield _nothing("There is no approver group yet, so no call can be approved.")
    for group in home.groups:
        yield blocks.rich(*group_lines(group, home.team))
        if home.admin and not group.declared:
            edit = blocks.button("Edit…", Action.GROUP_EDIT, value=group.name)
            yield blocks.actions(
                f"group.{group.name}", [edit, blocks.button("Delete…", Action.GROUP_DELETE, value=group.name, style="danger")]
            )
        yield blocks.divider()


def _figures(home: Home) -> Iterator[Block]:
    if home.counts:
        yield blocks.rich(blocks.section(blocks.text("Waiting now: "), blocks.text(str(home.counts[0].waiting), bold=True)))
    for count in home.counts:
        yield blocks.header(count.title)
        yield blocks.rich(
            *(
                blocks.section(blocks.text(f"{name}: "), blocks.text(value, bold=True))
                for name, value in (
                    ("Median time to decide", duration(count.median_seconds)),
                    ("Decided", f"{count.decided} ({count.approved} approved, {count.denied} denied)"),
                    ("Expired without an answer", str(count.expired)),
                )
            )
        )


_BODIES = {Tab.WAITING: _waiting, Tab.PENDING: _pending, Tab.HISTORY: _history, Tab.GROUPS: _groups, Tab.FIGURES: _figures}


def _nothing(sentence: str) -> Block:
    return blocks.rich(blocks.section(blocks.text(sentence)))


def headline(shown: Shown, *, longest: int = 256) -> list[Block]:
    """Say how a call stands, what it is and who asked it. Where nothing is decided, names may be cut to `longest` characters."""
    return [
        blocks.text(f"{STATES[shown.state]}: "),
        blocks.text(blocks.short(shown.tool, longest), bold=True),
        blocks.text(f" on {blocks.short(shown.server, longest)}, asked by {blocks.short(shown.agent, longest)} "),
        blocks.date(shown.held_at),
    ]


def _asked(shown: Shown) -> list[Block]:
    """What a request that waits needs: who answers for it, its risk, who decides, how many are missing, why it was held, warnings."""
    told = f". Risk: {shown.risk}.\nApprovers {shown.approvers}, {shown.quorum - shown.needed} of {shown.quorum} approvals. Expires "
    reason = f": {blocks.short(shown.reason, _REASON)}" if shown.reason else ""
    notes = [f"Held by {shown.rule}{reason}", *[f"Signals: {cards.signals(shown)}"] * bool(shown.signals), *shown.warnings]
    if shown.arguments.hides:
        notes.append(f"The policy hides {some(shown.arguments.hides)}.")
    if shown.difference:
        notes.append(f"{changed.SENTENCE} {changed.ACCEPTS} Open it before you approve.")
    if shown.unattended:
        notes.append("The agent broke off; without it nothing is run.")
    if shown.arguments.cut:
        notes.append(f"Not all arguments are here: {shown.arguments.hidden}. Open all of them before you approve.")
    owner = [blocks.text("\nOwner of the agent: "), blocks.person(shown.owner, shown.team)]
    return [*owner, blocks.text(told), blocks.date(shown.expires_at), *(blocks.text(f"\n{note}") for note in notes)]


def decided(shown: Shown, team: str, *, longest: int = _REASON) -> list[Block]:
    """Say who decided, when, why, and what came of it; nothing while nobody did."""
    told: list[Block] = []
    if shown.decided_by:
        told.append(blocks.text("\nDecided by "))
        for number, person in enumerate(shown.decided_by):
            told += [blocks.text(", ")] * (number > 0) + [blocks.person(person, team)]
        if shown.decided_at:
            told += [blocks.text(" "), blocks.date(shown.decided_at)]
    if shown.decision_reason:
        told.append(blocks.text(f"\n{blocks.short(shown.decision_reason, longest)}"))
    if shown.outcome:
        told.append(blocks.text(f"\n{'It said an error: ' if shown.outcome_is_error else ''}{blocks.short(shown.outcome, longest)}"))
    return told


def _deciding(shown: Shown) -> list[Block]:
    value = Touched(shown.id, shown.mark).value
    review = blocks.button(cards.reviewing(shown), Action.REVIEW, value=value)
    return [
        review if shown.arguments.cut or shown.difference else cards.approve(shown),
        blocks.button("Deny…", Action.DENY, value=value, style="danger"),
        blocks.button("Request changes…", Action.CHANGES, value=value),
    ]


def _looking(home: Home, shown: Shown) -> list[Block]:
    looks = [blocks.button("Open", Action.OPEN, value=Touched(shown.id, shown.mark).value)]
    if home.desk_url:
        looks.append(blocks.button("At the desk", Action.LINK, url=f"{home.desk_url}/requests/{shown.id}"))
    return looks


def group_lines(group: GroupRow, team: str, *, most: int = _MOST_PEOPLE) -> list[Block]:
    """Write an approver group in lines of a rich text: who, how many, where, and what else holds."""
    lines = [blocks.section(blocks.text(group.name, bold=True), *([blocks.text(" (declared in the config file)")] * group.declared))]
    people: list[Block] = []
    for key in group.members[:most]:
        people += [blocks.text(", ")] * bool(people) + [blocks.person(key, team)]
    for key in group.user_groups[:most]:
        people += [blocks.text(", ")] * bool(people) + [blocks.user_group(key, team)]
    left_out = max(len(group.members) - most, 0) + max(len(group.user_groups) - most, 0)
    people += [blocks.text(f" and {left_out} more")] * (left_out > 0)
    lines.append(blocks.section(*(people or [blocks.text("Nobody: what asks this group is denied.")])))
    facts = [f"{group.quorum} approval{'s' * (group.quorum != 1)} needed"]
    facts += [f"cards go to {group.channel}"] * bool(group.channel)
    facts += ["who answers for an agent may approve its calls"] * group.self_approval
    facts += ["guests may decide"] * group.guests + ["people of other workspaces may decide"] * group.external
    facts += ["each member is told by direct message"] * group.direct
    lines.append(blocks.section(blocks.text("; ".join(facts) + ".")))
    if group.problem:
        lines.append(blocks.section(blocks.text(f"Problem: {group.problem}", bold=True)))
    return lines


def duration(seconds: float | None) -> str:
    """Say a time in its two largest units; None is nothing decided."""
    if seconds is None:
        return "nothing was decided"
    whole = round(seconds)
    parts = ((whole // _DAY, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    told = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(told[:2]) or "under a second"
