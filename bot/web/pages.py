"""Drawing the desk: view data in, HTML out. The only importer of jinja2, and it does no I/O but reading its templates.

Law: every variable is written through `visible` and then escaped, so that nothing an agent sends becomes markup or hides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import jinja2
from markupsafe import Markup, escape

from workflows.document import Document
from workflows.redaction import visible
from workflows.states import State

INDENT_LEVELS = 16  # the style sheet has this many steps; deeper lines carry their depth in front


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a page: who reads it, and what the style sheet and script are called today."""

    person: str | None  # a person's key; None before sign-in
    csrf: str
    assets: Mapping[str, str]  # file name -> address
    tab: str = ""
    waiting: int = 0  # requests that wait for this person


@dataclass(frozen=True, slots=True)
class Notice:
    """A refusal: its sentence and its code."""

    sentence: str
    code: str


@dataclass(frozen=True, slots=True)
class Item:
    """A request as a list shows it. Times are aware."""

    id: str
    state: State
    server: str
    tool: str
    agent: str
    owner: str
    preview: str
    approvals: int
    quorum: int
    held_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    decided_by: str | None
    is_error: bool = False  # released, and the tool said that it failed
    unattended: bool = False
    category: str = ""  # what the catalogue makes of the tool; empty where it said nothing
    risk: str = ""
    changed: bool = False  # the definition of the tool changed since it was accepted


@dataclass(frozen=True, slots=True)
class Ballot:
    """One person's vote."""

    voter: str
    choice: str
    reason: str | None
    via: str
    at: datetime
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One audit event: when, who, what, and its details by name."""

    at: datetime
    actor: str
    event: str
    detail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What came back from the upstream server, or did not. `kind`: result, error, not_sent or unknown."""

    kind: str
    is_error: bool
    document: Document | None
    text: str = ""  # where it is no JSON


@dataclass(frozen=True, slots=True)
class Detail:
    """One request with all that a person needs to judge it."""

    item: Item
    seen: str  # names what is shown here to judge by; a form carries it
    rule: str
    reason: str
    policy: str
    approvers: str  # the group's name
    members: tuple[str, ...]
    needed: int
    votes: tuple[Ballot, ...]
    why_not_approve: str | None  # the sentence, or None when this person may
    why_not_deny: str | None
    may_cancel: bool
    own_agent: bool
    deny_needs_reason: bool
    approve_needs_reason: bool
    fingerprint: str
    decided_at: datetime | None
    decision_reason: str | None
    claimed_at: datetime | None
    collected_at: datetime | None
    arguments: Document
    result: Result | None = None
    trail: tuple[Step, ...] = ()
    left_out: int = 0  # rows of the trail after its first
    previous: Item | None = None  # the last identical call of this agent
    signals: tuple[str, ...] = ()  # reasons for care
    difference: tuple[str, ...] = ()  # lines: how the tool's definition differs from the accepted one
    in_part: bool = False  # it was too long to be kept whole


@dataclass(frozen=True, slots=True)
class Inbox:
    """What is going on: what waits for the reader comes first, but for what was lost."""

    lost: tuple[Item, ...] = ()
    yours: tuple[Item, ...] = ()
    others: tuple[Item, ...] = ()
    running: tuple[Item, ...] = ()
    recent: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of history; `search` holds the filters as they were typed, `older` the address of the next page."""

    items: tuple[Item, ...]
    search: Mapping[str, str]
    older: str | None = None
    newest: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class UserGroupCard:
    """A Slack user group of an approver group; `members` are who was in it when it was read last, None when it never was."""

    key: str
    handle: str = ""
    members: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class GroupCard:
    """An approver group. `members` are the people that it names itself."""

    name: str
    members: tuple[str, ...]
    self_approval: bool
    declared: bool
    user_groups: tuple[UserGroupCard, ...] = ()
    quorum: int = 1
    channel: str | None = None
    guests: bool = False
    external: bool = False
    direct: bool = False

    @property
    def everybody(self) -> frozenset[str]:
        """Its own people and those of its user groups."""
        return frozenset(self.members).union(*(asked.members or () for asked in self.user_groups))


@dataclass(frozen=True, slots=True)
class Message:
    """A page that says one thing: a refusal, an error, a way in."""

    title: str
    sentence: str
    code: str | None = None
    hint: str | None = None  # a command to type
    links: tuple[tuple[str, str], ...] = field(default=())  # label, address
    go: str | None = None  # an address to go on to at once


def inbox(frame: Frame, shown: Inbox, *, fragment: bool = False) -> str:
    """Draw the inbox, or only the parts of it that live."""
    return _draw("inbox_live.html" if fragment else "inbox.html", frame, inbox=shown)


def request(
    frame: Frame, shown: Detail, notice: Notice | None = None, *, drafts: Mapping[str, str] | None = None, fragment: bool = False
) -> str:
    """Draw one request, or only the parts of it that live. `drafts`: what the person had typed, by verb, when it was refused."""
    template = "request_live.html" if fragment else "request.html"
    return _draw(
        template, frame, detail=shown, item=shown.item, notice=notice, drafts={"approve": "", "deny": "", "cancel": ""} | dict(drafts or {})
    )


def history(frame: Frame, shown: HistoryPage) -> str:
    """Draw a page of history."""
    return _draw("history.html", frame, page=shown, states=tuple(State))


def groups(frame: Frame, shown: tuple[GroupCard, ...]) -> str:
    """Draw the approver groups."""
    return _draw("groups.html", frame, groups=shown)


def me(frame: Frame, *, expires_at: datetime, memberships: tuple[str, ...]) -> str:
    """Draw who is signed in, until when, and the way out."""
    return _draw("me.html", frame, expires_at=expires_at, memberships=memberships)


def confirm_sign_in(frame: Frame, *, person: str, token: str) -> str:
    """Draw the page behind a sign-in link. It signs nobody in: its button does."""
    return _draw("sign_in.html", frame, person=person, token=token)


def message(frame: Frame, shown: Message) -> str:
    """Draw a page that says one thing."""
    return _draw("message.html", frame, message=shown)


_LABELS = {
    State.PENDING: "Waiting",
    State.APPROVED: "Approved",
    State.DENIED: "Denied",
    State.CANCELLED: "Cancelled",
    State.EXPIRED: "Expired",
    State.RELEASING: "Running",
    State.RELEASED: "Ran",
    State.FAILED: "Failed",
    State.LOST: "Outcome unknown",
}

_STEPS = {
    "hold": "held the call",
    "join": "asked again for the same call",
    "approve": "approved",
    "deny": "denied",
    "vote": "voted",
    "cancel": "cancelled",
    "expire": "let it expire",
    "claim": "took it for release",
    "finish": "stored the answer",
    "fail": "recorded that it failed",
    "lose": "lost sight of it",
    "refused": "was refused",
    "collect": "collected the outcome",
    "leave": "broke off",
    "attach": "came back",
    "hand_off": "left with a pending answer",
    "remind": "reminded the approvers",
}


def _draw(template: str, frame: Frame, **values: object) -> str:
    return _TEMPLATES.get_template(template).render(frame=frame, **values)


def _shown(value: object) -> object:
    """Write a variable so that it cannot lie about itself; markup made by a filter or macro here is left alone."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _stamp(at: datetime, *, clock: str = "", seconds: bool = False) -> Markup:
    """A moment, readable as it stands (UTC), and put into the reader's own time zone by the script.

    `clock` asks the script for more: "left" for a countdown after it, "ago" for how long it has been.
    """
    at = at.astimezone(UTC)
    text = f"{at.day} {at:%b %Y, %H:%M}{f':{at:%S}' if seconds else ''} UTC"
    return Markup('<time datetime="{iso}" data-clock="{clock}"{seconds}>{text}</time>').format(
        iso=f"{at:%Y-%m-%dT%H:%M:%S}Z", clock=clock, seconds=Markup(" data-seconds") if seconds else "", text=text
    )


def _who(key: str) -> Markup:
    """A person or actor by its whole key, the name set apart from where it comes from."""
    if key.partition(":")[0] == "askfirst":
        return Markup('<span class="who">Askfirst</span>')
    source, colon, name = visible(key).partition(":")
    if not colon:
        return Markup('<span class="who">{}</span>').format(source)
    return Markup('<span class="who"><span class="from">{}:</span>{}</span>').format(source, name)


def _who_all(keys: str | None) -> Markup:
    return Markup(", ").join(_who(key) for key in (keys or "").replace(",", " ").split())


def _label(state: State) -> str:
    return _LABELS[state]


def _did(event: str) -> str:
    """What an audit event says its actor did; an event without a phrase shows its own name."""
    return _STEPS.get(event.rpartition(".")[2], event)


def _bytes(size: int) -> str:
    return f"{size:,} byte{'s' * (size != 1)}"


def _changes(lines: Sequence[str]) -> Markup:
    """The lines of a difference as markup. Their signs stay: nobody needs colours to read it."""
    kinds = {"+": "ins", "-": "del"}
    out = []
    for line in lines:
        tag = kinds.get(line[:1], "span")
        out.append(Markup("<{}>{}</{}>").format(Markup(tag), _shown(line), Markup(tag)))  # noqa: S704  # one of three literals
    return Markup("").join(out)


def _pieces(document: Document) -> Markup:
    """The laid out lines as markup: one element a line, one a piece."""
    if not document.lines:
        return Markup('<div class="plain">{}</div>').format(document.plain)
    out: list[str] = []
    for line in document.lines:
        deep = f' data-depth="{line.depth}"' if line.depth > INDENT_LEVELS else ""
        out.append(f'<div class="l d{min(line.depth, INDENT_LEVELS)}"{deep}>')
        for kind, text in line.pieces:
            if kind == "mark":
                out.append(str(escape(text)))
            elif kind == "newline":
                out.append('<span class="escape">\\n</span><br>')
            else:
                out.append(f'<span class="{kind}">{escape(text)}</span>')
        out.append("</div>")
    return Markup("".join(out))  # noqa: S704  # every text in it went through escape; the rest is literal


_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("bot.web"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    finalize=_shown,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
)
_TEMPLATES.filters.update(stamp=_stamp, who=_who, who_all=_who_all, label=_label, did=_did, bytes=_bytes, pieces=_pieces, changes=_changes)
_TEMPLATES.globals.update(State=State)
