"""The messages about a request, in every state. Pure: a `Shown` in, a message out.

Laws: the facts come first and in fixed places, what an agent wrote comes last and in one element; a block of rich text is in every
state, because Slack lets nothing else replace one; a card has about 6,000 characters at most, because Slack refuses long ones.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from bot.slack import blocks, changed
from bot.slack.arguments import notes
from bot.slack.blocks import short, text
from bot.slack.ids import Action, Touched
from bot.slack.search import STATES
from bot.slack.shapes import Block, Message, Shown
from workflows.states import State

MOST = 6200  # characters of a card, as Slack counts them: what the facts, a difference and the arguments of a call can come to
_ASKED = "Approval needed"
_HEADING = 110  # characters of a tool's name in a headline
_HEADLINE = 100  # what Slack counts for a headline besides its text
_NAME, _RULE, _REASON, _WARNING, _TOOL = 130, 110, 200, 120, 640  # characters of a fact
_WARNINGS = 2
_SIGNALS, _SIGNAL = 3, 100  # reasons for care that are told, and characters of each
_HIDES = 120  # characters that name what the policy hides
_LABELS = 320  # characters that stand around the arguments
_NAMED = 3  # people who are named, of those who approved and of those who may
_SPOKEN = re.compile(r"[^A-Za-z0-9_./-]+")
_RAN = frozenset({State.RELEASED, State.FAILED, State.LOST})
_YES = _RAN | {State.APPROVED, State.RELEASING}
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})

Line = list[Block]


def title(shown: Shown) -> str:
    """Say how a request stands, in the words that begin its card."""
    if shown.state is State.RELEASED and shown.outcome_is_error:
        return "Approved, ran with an error"
    return _ASKED if shown.state is State.PENDING else STATES[shown.state]


def card(shown: Shown) -> Message:
    """Draw the card of a request as it stands."""
    return _whole(shown, title(shown), _facts(shown))


def direct(shown: Shown) -> Message:
    """Tell one approver that their vote is asked, and why theirs; once it no longer is, the message says how it ended."""
    if shown.state is not State.PENDING:
        return card(shown)
    why = [text(f"You are asked because you are in the approver group {short(shown.approvers, _NAME)}.")]
    return _whole(shown, "Your approval is asked", [why, *_facts(shown, standing=False)])


def minimal(shown: Shown) -> Message:
    """Draw a card that Slack refused as it was: without arguments, and without what people and upstreams said."""
    lines = [_fact("Agent", text(short(shown.agent, _NAME)))]
    if shown.state is State.PENDING:
        lines.append(_fact("Expires", blocks.date(shown.expires_at)))
        lines.append([text("The arguments are behind the button.")])
    else:
        lines += _ending(shown)
    drawn = [_headline(shown, title(shown)), _lines("facts", lines), blocks.actions("decide", _buttons(shown, review=True))]
    return Message(_spoken(shown, title(shown)), drawn)


def reply(shown: Shown) -> Message:
    """Tell in the thread of a card, in one message, how its request ended."""
    first = [text(f"{title(shown)}: ", bold=True), text(short(shown.tool, _REASON))]
    ending = [first, _fact("Asked", blocks.date(shown.held_at)), *_ending(shown)]
    return Message(_spoken(shown, title(shown)), [_lines("ending", ending, *_said(shown))])


def reminder(shown: Shown) -> Message:
    """Remind those who can still decide, in the thread of the card."""
    missing = f"{shown.needed} more approval{'s' * (shown.needed != 1)} needed from "
    lines = [
        [text("Still waiting: ", bold=True), text(short(shown.tool, _REASON))],
        [text(missing), *_approvers(shown)],
        _fact("Expires", blocks.date(shown.expires_at)),
    ]
    return Message(_spoken(shown, "Still waiting"), [_lines("reminder", lines)])


def outcome(shown: Shown) -> Message:
    """Tell who answers for the agent how its request ended."""
    lines = [[text(f"You are told because you answer for {short(shown.agent, _NAME)}.")], _server(shown), *_ending(shown)]
    drawn = [
        _headline(shown, title(shown)),
        _lines("facts", lines, *_said(shown)),
        _small_print(shown),
        blocks.actions("look", _looks(shown)),
    ]
    return Message(_spoken(shown, title(shown)), drawn)


def replaced(permalink: str) -> Message:
    """Write over a card that is not the stored one."""
    link: Block = {"type": "link", "url": permalink, "text": "the current card"}
    words = blocks.section(text("This card was replaced, and decides nothing. Look at "), link, text("."))
    return Message("This card was replaced.", [blocks.rich(words)])


def canary() -> Message:
    """Draw the card that `doctor` posts and takes down."""
    words = "Askfirst can post here. This card asks for nothing, and is taken down at once."
    return Message("Askfirst: a test card", [blocks.header("Askfirst: a test card"), blocks.rich(blocks.section(text(words)))])


def _whole(shown: Shown, heading: str, facts: Iterable[Line]) -> Message:
    """Put a card together. While a decision is open the arguments stand as they are, later they get what room is left."""
    drawn = [_headline(shown, heading), _lines("facts", facts)]
    end = [_small_print(shown)]
    room = blocks.weight(shown.arguments.short)
    if shown.state is not State.PENDING:
        end.append(_lines("decision", _ending(shown), *_said(shown)))
        room = MOST - weight([*drawn, *changed.drawn(shown), *end]) - _LABELS
    return Message(
        _spoken(shown, heading),
        [*drawn, *changed.drawn(shown), _arguments(shown, room), *end, blocks.actions("decide", _buttons(shown, review=shown.partly))],
    )


def weight(drawn: object) -> int:
    """Count drawn blocks as Slack counts them."""
    if isinstance(drawn, list):
        return sum(map(weight, drawn))
    if not isinstance(drawn, dict):
        return 0
    own = _HEADLINE if drawn.get("type") == "header" else 0
    return own + sum(blocks.weight(value) if name == "text" and isinstance(value, str) else weight(value) for name, value in drawn.items())


def _headline(shown: Shown, heading: str) -> Block:
    return blocks.header(f"{heading}: {short(shown.tool, _HEADING)}")


def _spoken(shown: Shown, heading: str) -> str:
    """Write what notifications and screen readers say: there Slack reads markup, so a name keeps letters, digits and little else."""
    return f"{heading}: {_SPOKEN.sub('?', shown.tool)[:60]}"


def _lines(block_id: str, lines: Iterable[Line], *more: Block) -> Block:
    elements: Line = []
    for line in lines:
        elements += [text("\n")] * bool(elements) + line
    return blocks.rich(blocks.section(*elements), *more, block_id=block_id)


def _fact(name: str, *elements: Block) -> Line:
    return [text(f"{name}: ", bold=True), *elements]


def _server(shown: Shown) -> Line:
    return _fact("Server", text(short(shown.server, _NAME)))


def _facts(shown: Shown, *, standing: bool = True) -> Iterator[Line]:
    """What a reader needs to judge, the same lines in the same places for every call. `standing` tells who approved, until the end does."""
    yield _fact("Agent", text(f"{short(shown.agent, _NAME)}, owner "), blocks.person(shown.owner, shown.team))
    yield _server(shown)
    if short(shown.tool, _HEADING) != shown.tool:
        yield _fact("Tool", text(short(shown.tool, _TOOL)))
    if shown.state is State.PENDING:
        yield _fact("Expires", blocks.date(shown.expires_at))
    else:
        yield _fact("Asked", blocks.date(shown.held_at))
    if standing and not _approved(shown):
        yield _fact("Approvals", *_standing(shown))
    if shown.state is State.PENDING:
        yield _fact("Approvers", text(f"{short(shown.approvers, _NAME)}: "), *_approvers(shown))
    yield _fact("Risk", text(shown.risk))
    if shown.signals:
        yield _fact("Signals", text(signals(shown)))
    yield _fact("Held because", text(f"{short(shown.reason, _REASON) or 'a rule says so'} ({short(shown.rule, _RULE)})"))
    if shown.state is State.PENDING:
        yield from _notes(shown)


def _standing(shown: Shown) -> Line:
    given = len(shown.approvals)
    by = [text(", by "), *blocks.people(shown.approvals, shown.team, most=_NAMED)] if given else []
    return [text(f"{given} of {shown.quorum}"), *by]


def _approvers(shown: Shown) -> Line:
    """Name whom the request asks: Slack user groups by their name, and people while they are few."""
    named: Line = []
    for key in shown.user_groups[:_NAMED]:
        named += [text(", ")] * bool(named) + [blocks.user_group(key, shown.team)]
    if named:
        return [*named, text(f" ({len(shown.able)} {'person' if len(shown.able) == 1 else 'people'} may approve)")]
    return blocks.people(shown.able, shown.team, most=_NAMED) or [text("nobody, so it can only be denied or expire")]


def _notes(shown: Shown) -> Iterator[Line]:
    if shown.unattended:
        yield [text("The agent broke off. If it does not come back in time, this is cancelled and does not run.")]
    if shown.previous:
        yield [text(short(f"{shown.previous}.", _WARNING))]
    for warning in shown.warnings[:_WARNINGS]:
        yield [text("Beware: ", bold=True), text(short(warning, _WARNING))]


def signals(shown: Shown, *, most: int = _SIGNALS, longest: int = _SIGNAL) -> str:
    """Write the reasons for care in one line, and count those for which there is no room."""
    told = "; ".join(short(sentence, longest) for sentence in shown.signals[:most])
    return told + (f"; and {len(shown.signals) - most} more" if len(shown.signals) > most else "")


def _arguments(shown: Shown, room: int) -> Block:
    """Show the arguments in one element of which Slack reads nothing, and say how much of them that is."""
    shown_here = short(shown.arguments.short, max(room, 0)) if shown.arguments.short else ""
    first = [text("Arguments", bold=True), text(f" ({', '.join(notes(shown.arguments, most=_HIDES))})")]
    if shown.arguments.cut:
        first.append(
            text(f"\nNot all of them: {shown.arguments.hidden}. Open all of them to approve." if _open(shown) else "\nNot all of them.")
        )
    elif shown_here != shown.arguments.short:
        first.append(text("\nNot all of them."))
    parts = [blocks.preformatted(shown_here)] if shown_here else []
    return blocks.rich(blocks.section(*first), *parts, block_id="arguments")


def _open(shown: Shown) -> bool:
    return shown.state is State.PENDING


def _small_print(shown: Shown) -> Block:
    return blocks.context(f"{shown.id} · seen as {shown.mark[:12]} · policy {short(shown.policy, 64)}")


def _by(shown: Shown) -> Line:
    when = [text(" "), blocks.date(shown.decided_at)] if shown.decided_at else []
    return [*(blocks.people(shown.decided_by, shown.team, most=_NAMED) or [text("Askfirst")]), *when]


def _approved(shown: Shown) -> bool:
    """Tell whether it was approved, whatever came of it."""
    return shown.state in _YES or (shown.state is State.EXPIRED and shown.decided_at is not None)


def _ending(shown: Shown) -> Iterator[Line]:
    """Say who decided and when, and what came of it."""
    state = shown.state
    approved = _approved(shown)
    if approved:
        yield _fact("Approved by", *_by(shown))
    ended = [blocks.date(shown.settled_at)] if shown.settled_at else []
    if state is State.APPROVED:
        yield [text("It runs as soon as its checks pass again, until "), blocks.date(shown.expires_at)]
    elif state is State.RELEASING:
        yield [text("It was sent and waits for its answer. ")] + ([blocks.date(shown.claimed_at)] if shown.claimed_at else [])
    elif state is State.EXPIRED:
        yield [text("It was not sent in time, and did not run. " if approved else "Nobody decided in time, and it did not run. "), *ended]
    elif state in {State.DENIED, State.CANCELLED}:
        yield [text(f"{title(shown)} by ", bold=True), *_by(shown)]
        yield [text("It did not run.")]
    elif state in _RAN:
        yield [text(f"{_ENDED[state]}{_took(shown)}. "), *ended]


_ENDED = {State.RELEASED: "It ran once", State.FAILED: "It was tried once and failed", State.LOST: "It was sent once"}


def _took(shown: Shown) -> str:
    return "" if shown.seconds is None or shown.state is State.LOST else f", and took {shown.seconds:.1f} s"


def _said(shown: Shown) -> Iterator[Block]:
    """Set off what people and upstreams said: a reason as a quotation, an error in an element of its own."""
    if shown.decision_reason:
        yield blocks.quote(short(shown.decision_reason, 500))
    if shown.outcome and shown.outcome_is_error:
        yield blocks.preformatted(short(shown.outcome, 500))
    elif shown.outcome:
        yield blocks.section(text(short(shown.outcome, 500)))


def _buttons(shown: Shown, *, review: bool) -> list[Block]:
    """The buttons: those that decide while that is open, and those that look. Where something is hidden one opens it, and none approves."""
    if not _open(shown):
        return _looks(shown)
    value = Touched(shown.id, shown.mark).value
    deny = blocks.button("Deny…", Action.DENY, value=value, style="danger", spoken=f"Deny {shown.tool}")
    changes = blocks.button("Request changes…", Action.CHANGES, value=value)
    first = blocks.button(reviewing(shown), Action.REVIEW, value=value) if review else approve(shown)
    return [first, deny, changes, *(_desk(shown) if review else _looks(shown))]


def reviewing(shown: Shown) -> str:
    """Label the button that opens what has to be read before an approval."""
    return "Review all arguments…" if shown.difference is None else "Review change and arguments…"


def approve(shown: Shown) -> Block:
    """Make the button that approves: through a form where the policy wants a reason, with a question before it where the risk is high."""
    label, action = ("Approve…", Action.APPROVE_WITH) if shown.approve_needs_reason else ("Approve", Action.APPROVE)
    confirm = blocks.confirm_approval(shown) if shown.high_risk else None
    value = Touched(shown.id, shown.mark).value
    return blocks.button(label, action, value=value, style="primary", confirm=confirm, spoken=f"Approve {shown.tool}")


def _looks(shown: Shown) -> list[Block]:
    value = Touched(shown.id, shown.mark).value
    return [blocks.button("View all arguments", Action.ARGUMENTS, value=value), *_desk(shown)]


def _desk(shown: Shown) -> list[Block]:
    """A link to the desk, where it is not one that only works on its own machine."""
    if not shown.desk_url or urlsplit(shown.desk_url).hostname in _HERE:
        return []
    return [blocks.button("At the desk", Action.LINK, url=f"{shown.desk_url}/requests/{shown.id}")]
